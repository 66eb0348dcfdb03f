// Package timetable says when a schedule fires: it turns "30 2 * * *" in
// Europe/Paris, or every 30 seconds, into a sequence of ticks. It knows neither
// Redis nor the current time; the same Spec gives the same ticks on every
// machine that has the same time zone data.
//
// # Cron
//
// Five fields, or six with seconds in front:
//
//	second        0-59           left out: 0
//	minute        0-59
//	hour          0-23
//	day of month  1-31
//	month         1-12, jan-dec
//	day of week   0-7, sun-sat   0 and 7 are Sunday
//
// A field is a comma-separated list of *, N, A-B, and each of them with a step:
// */S, A-B/S, and N/S, which is N to the end of the field. Case does not matter.
// Instead of fields: @hourly, @daily, @midnight, @weekly, @monthly, @yearly,
// @annually. When both day fields are restricted, a day that matches either one
// counts; a day field written with a * is unrestricted, and then both must match.
// This is the rule of Vixie cron, odd and expected.
//
// Refused on purpose: @every (that is Spec.Every), @reboot, TZ= prefixes (that is
// Spec.Timezone), ranges that run backwards, steps longer than the field, and the
// signs of other dialects, ? L W # H, whose days of the week count differently.
//
// # When the clocks change
//
// Two rules, the ones people know from cron on Unix:
//
//   - Forward: a local time that is jumped over fires at the first instant after
//     the jump, once, however many were jumped over. A schedule that runs in
//     every hour has nothing to make up and simply goes on.
//   - Back: a local time that comes twice fires the first time only. A schedule
//     that runs in every hour, or whose second, minute or hour is written with a
//     *, goes on in real time and fires both times.
//
// So "30 2 * * *" fires once on each day of the year, and "*/15 * * * *" every
// 15 minutes, also on the two odd days.
package timetable
