package dashboard_test

import (
	"strings"
	"testing"

	"github.com/drayhorse/drayhorse/dashboard"
)

func TestFieldsThatMayBeSecretAreMasked(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		`{"password":"x","n":18446744073709551615}`:                   `{"password":"***","n":18446744073709551615}`,
		`{"a":[{"API-Key":{"deep":[1,2]}},{"tokens":null}],"b":1.50}`: `{"a":[{"API-Key":"***"},{"tokens":"***"}],"b":1.50}`,
		`{"user":{"PassWord_Hash":"x","name":"password"}}`:            `{"user":{"PassWord_Hash":"***","name":"password"}}`,
		`{"x":1,"secret":1,"secret":2}`:                               `{"x":1,"secret":"***","secret":"***"}`,
		`{"our_iban":"DE00","customer_no":"7"}`:                       `{"our_iban":"***","customer_no":"***"}`,
		`{"pass\u0077ord":"x"}`:                                       `{"password":"***"}`,
		`"password"`:                                                  `"password"`, `[]`: `[]`, `1e400`: `1e400`, ``: ``, `{}`: `{}`,
		`{"password":`: `"***"`, `{"a":1}}`: `"***"`, `nonsense`: `"***"`, `{"password" "x"}`: `"***"`,
	} {
		if got := dashboard.Mask([]string{"Customer No"}, in); got != want {
			t.Errorf("%s becomes %s; want %s", in, got, want)
		}
	}
	deep := strings.Repeat(`{"a":`, 5000) + `{"token":"x"}` + strings.Repeat("}", 5000)
	if got := dashboard.Mask(nil, deep); strings.Contains(got, `"x"`) {
		t.Error("a deep field is shown")
	}
}
