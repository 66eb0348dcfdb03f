package cli

// Fit makes a table as narrow as a terminal.
func Fit(t *Table, width int) { t.fit(width) }
