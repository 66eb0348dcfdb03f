package redis

import (
	"regexp"
	"strings"
)

const hidden = "***"

// public are the parameters of a URL whose values are no secrets. key is the path of a
// file.
var public = map[string]bool{
	"db": true, "ca": true, "cert": true, "key": true, "server_name": true, "insecure": true, "sentinel_username": true,
	"dial_timeout": true, "read_timeout": true, "write_timeout": true,
}

var parameter = regexp.MustCompile(`[?&;]([^=&;?]*)(=|$|[&;?])`)

// Mask hides what may be a secret in a URL that may be malformed, or of another
// program: all that stands before the last @, except a user, and the URL from the
// value of the first parameter on that is not known to be public.
func Mask(text string) string {
	scheme, _, found := strings.Cut(text, "://")
	for _, at := range parameter.FindAllStringSubmatchIndex(text, -1) {
		name := text[at[2]:at[3]]
		if public[strings.ToLower(name)] {
			continue
		}
		if strings.Contains(name, "@") || name == "" || text[at[4]:at[5]] != "=" { // it may be the rest of a password
			if strings.Contains(text[at[0]:], "@") {
				if !found {
					return hidden
				}
				return scheme + "://" + hidden
			}
			text = text[:at[2]] + hidden
			break
		}
		text = text[:at[5]] + hidden
		break
	}
	at := strings.LastIndex(text, "@")
	if at < 0 {
		return text
	}
	scheme, login, found := strings.Cut(text[:at], "://")
	if !found {
		return hidden + text[at:]
	}
	user, _, named := strings.Cut(login, ":")
	if !named { // rather a password without its colon
		return scheme + "://" + hidden + text[at:]
	}
	return scheme + "://" + user + ":" + hidden + text[at:]
}
