"""The rules of the OMS: state graph, commands, planning, filters, scenarios, seeding."""
