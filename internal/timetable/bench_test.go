package timetable_test

import (
	"testing"
	"time"

	"github.com/drayhorse/drayhorse/internal/timetable"
)

func BenchmarkNext(b *testing.B) {
	from := time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC)
	for name, spec := range map[string]timetable.Spec{
		"every":           {Every: 30 * time.Second},
		"minute":          {Cron: "* * * * *"},
		"daily":           {Cron: "30 2 * * *", Timezone: "Europe/Paris"},
		"yearly":          {Cron: "@yearly", Timezone: "Europe/Paris"},
		"leap day sunday": {Cron: "0 0 29 2 */7", Timezone: "Europe/Paris"},
	} {
		tt := parse(b, spec)
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				tt.Next(from)
			}
		})
		b.Run("last/"+name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				tt.Last(from)
			}
		})
	}
}

// BenchmarkRefuse is what a schedule that can never fire costs.
func BenchmarkRefuse(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		if _, err := timetable.Parse(timetable.Spec{Cron: "0 0 31 2 *", Timezone: "Europe/Paris"}); err == nil {
			b.Fatal("accepted")
		}
	}
}
