package conf

import (
	"net/url"
	"strings"
)

// MaskURL hides the password of an HTTP URL, and the values of its parameters, which
// may be tokens. Of what is no URL it shows the scheme alone.
func MaskURL(text string) string {
	const hidden = "***"
	u, err := url.Parse(text)
	if err != nil {
		scheme, _, found := strings.Cut(text, "://")
		if !found {
			return hidden
		}
		return scheme + "://" + hidden
	}
	login := ""
	if u.User != nil {
		login = hidden + "@"
		if _, has := u.User.Password(); has {
			login = url.PathEscape(u.User.Username()) + ":" + login
		}
		u.User = nil
	}
	if u.RawQuery != "" {
		names := strings.Split(u.RawQuery, "&")
		for i, name := range names {
			if before, _, found := strings.Cut(name, "="); found {
				names[i] = before + "=" + hidden
			} else {
				names[i] = hidden
			}
		}
		u.RawQuery = strings.Join(names, "&")
	}
	if u.Fragment != "" {
		u.Fragment, u.RawFragment = hidden, hidden
	}
	if before, after, found := strings.Cut(u.String(), "://"); found {
		return before + "://" + login + after
	}
	return u.String()
}
