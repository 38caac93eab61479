"""What the OMS decides: graph, commands, planning, filters, paging, scenarios, seeding."""
