"""What runs beside the flow and looks at all of it: making a log, auditing it."""
