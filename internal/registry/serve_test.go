package registry

import "testing"

func TestWhyWaits(t *testing.T) {
	t.Parallel()
	mail := Worker{State: Working, Queues: map[string]int{"mail": 1}, QueueCount: 1, Kinds: []string{"welcome"}, KindCount: 1}
	quiet, any, many := mail, mail, mail
	quiet.State = Quiet
	any.AnyKind = true
	many.QueueCount, many.KindCount = MaxNames+1, MaxNames+1
	for name, c := range map[string]struct {
		workers     []Worker
		queue, kind string
		want        string
	}{
		"nobody":         {nil, "mail", "welcome", "no worker runs"},
		"served":         {[]Worker{mail}, "mail", "welcome", ""},
		"other queue":    {[]Worker{mail}, "default", "welcome", "no worker works on queue default"},
		"other kind":     {[]Worker{mail}, "mail", "welcom", "no worker of queue mail has a handler for kind welcom"},
		"any kind":       {[]Worker{mail, any}, "mail", "welcom", ""},
		"quiet":          {[]Worker{quiet}, "mail", "welcome", "the workers that serve kind welcome of queue mail claim no more jobs: they are quiet or stopping"},
		"quiet and not":  {[]Worker{quiet, mail}, "mail", "welcome", ""},
		"not all named":  {[]Worker{many}, "default", "digest", ""},
		"apart, neither": {[]Worker{{State: Working, Queues: map[string]int{"default": 1}, QueueCount: 1, AnyKind: true}, mail}, "mail", "digest", "no worker of queue mail has a handler for kind digest"},
	} {
		if got := WhyWaits(c.workers, c.queue, c.kind); got != c.want {
			t.Errorf("%s: %q, want %q", name, got, c.want)
		}
	}
}
