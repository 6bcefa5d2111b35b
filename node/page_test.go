package node

import (
	"testing"

	"github.com/ringback/ringback/aaa"
	"github.com/ringback/ringback/api"
)

// TestPageRole: what AAA grants gives the role; what the user typed does not.
func TestPageRole(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		user   string
		level  int
		groups []string
		want   api.Role
	}{
		{"kim", 0, nil, api.NoRole},
		{"kim", 1, []string{"staff"}, api.NoRole},
		{"kim", 2, nil, api.Read},
		{"kim", 14, nil, api.Read},
		{"kim", 15, nil, api.Operate},
		{"kim", 1, []string{"ringback-read"}, api.Read},
		{"kim", 1, []string{"ringback-operate"}, api.Operate},
		{"kim", 1, []string{"staff", "ringback-admin"}, api.Admin},
		{"kim", 15, []string{"ringback-read"}, api.Operate},
		{"kim@ringback-admin", 1, []string{"ringback-admin"}, api.NoRole},
		{`RINGBACK-ADMIN\kim`, 1, []string{"RINGBACK-ADMIN", "ringback-admin"}, api.NoRole},
		{"kim@ringback-admin", 15, []string{"ringback-admin"}, api.Operate},
		{"kim", 1, []string{"ringback-none", "Ringback-Admin"}, api.NoRole},
	} {
		if got := pageRole(c.user, aaa.Authorization{PrivLevel: c.level, Groups: c.groups}); got != c.want {
			t.Errorf("%q, level %d, groups %q: %v, want %v", c.user, c.level, c.groups, got, c.want)
		}
	}
}
