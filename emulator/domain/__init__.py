"""The rules of the OMS: state graph, commands, planning, stock, installations, generated data and scenario files."""
