package cli

import "os/user"

// Actor is who runs the program, as far as the system knows; for Actor of admin.Config.
func Actor() string {
	u, err := user.Current()
	if err != nil {
		return ""
	}
	return u.Username
}
