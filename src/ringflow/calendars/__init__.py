"""Opening hours, operators' calendars, and what operators say about today."""
