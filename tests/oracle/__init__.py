"""A Django REST framework application that answers the same requests as the emulator."""
