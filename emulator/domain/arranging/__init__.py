"""Operations beside the API: orders, packages in any state, carrier events, planning and stock locations."""
