package ui

import "time"

// Hurry gives clients less time.
func (s *Site) Hurry(patience time.Duration) { s.patience = patience }
