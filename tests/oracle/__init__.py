"""A real Django REST framework application that answers the same requests as the emulator."""
