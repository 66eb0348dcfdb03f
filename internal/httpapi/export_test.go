package httpapi

import "time"

// BePatient has requests wait for Redis as long as that.
func (s *Server) BePatient(patience time.Duration) { s.patience = patience }
