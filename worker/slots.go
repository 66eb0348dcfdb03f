package worker

import "sync/atomic"

// slots counts how many more jobs may run.
type slots struct{ free atomic.Int64 }

// take reserves at most want slots and says how many.
func (s *slots) take(want int) int {
	for {
		free := s.free.Load()
		n := min(free, int64(want))
		if n <= 0 {
			return 0
		}
		if s.free.CompareAndSwap(free, free-n) {
			return int(n)
		}
	}
}

// give frees slots and says how many are free now.
func (s *slots) give(n int) int { return int(s.free.Add(int64(n))) }

func (s *slots) any() bool { return s.free.Load() > 0 }
