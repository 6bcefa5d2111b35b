package doctor

import (
	"errors"
	"os"
	"os/user"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/ringback/ringback/config"
)

// TestOperators: each thing that keeps an operator from the admin socket is found, with its fix; nothing else is.
func TestOperators(t *testing.T) {
	gid := os.Getgid() // of the files of the test
	ours := &user.Group{Gid: strconv.Itoa(gid), Name: "ours"}
	other := &user.Group{Gid: strconv.Itoa(gid + 1), Name: "modems"}
	denied := errors.New("permission denied")
	for name, tt := range map[string]struct {
		group       *user.Group
		user        User // of the daemon
		self        Self
		socket, dir os.FileMode // 0: there is none
		want        []string    // parts of the findings
	}{
		"no group":               {socket: 0o600, dir: 0o700},
		"no daemon":              {group: ours},
		"all well":               {group: ours, socket: 0o660, dir: 0o750},
		"the daemon is a member": {group: ours, user: User{UID: 7, GIDs: []int{gid}}, socket: 0o660, dir: 0o755},
		"the daemon is no member": {group: ours, user: User{UID: 7, GIDs: []int{gid + 5}},
			want: []string{"user 7 is no member of group ours", "usermod -aG ours USER"}},
		"an older configuration": {group: other, socket: 0o660, dir: 0o755,
			want: []string{"not that of api.group, modems", "start the daemon again"}},
		"its mode": {group: ours, socket: 0o600, dir: 0o755, want: []string{"has mode 0600", "start the daemon again"}},
		"a group that was removed": {socket: 0o660, dir: 0o755,
			want: []string{"although there is no api.group", "start the daemon again"}},
		"its directory": {group: ours, socket: 0o660, dir: 0o700,
			want: []string{"may not enter /run/ringback (mode 0700",
				"chgrp ours /run/ringback && chmod g+x /run/ringback"}},
		"another user": {group: ours, self: Self{Name: "kim", Denied: denied},
			want: []string{"user kim may not use /run/ringback/s: it is no member of group ours",
				"usermod -aG ours kim"}},
		"an old login": {group: ours, self: Self{Name: "kim", Groups: []int{gid}, Denied: denied},
			want: []string{"this login is older than its membership of group ours", "newgrp ours"}},
		"no operators": {self: Self{Name: "kim", Denied: denied},
			want: []string{"user kim may not use", "set api.group"}},
	} {
		s := site(t, "tcp://127.0.0.1:1", map[string]string{})
		s.API, s.User, s.Self = config.API{Socket: "/run/ringback/s", Group: tt.group}, tt.user, tt.self
		if tt.socket != 0 {
			dir := filepath.Join(s.Root, "run", "ringback")
			err := errors.Join(os.MkdirAll(dir, 0o755), os.Chmod(filepath.Dir(dir), 0o755), os.Chmod(s.Root, 0o755),
				os.WriteFile(filepath.Join(dir, "s"), nil, 0o600), os.Chmod(filepath.Join(dir, "s"), tt.socket),
				os.Chmod(dir, tt.dir))
			if err != nil {
				t.Fatal(err)
			}
		}
		got := found(t, s, "operators")
		for _, part := range tt.want {
			if !strings.Contains(got, part) {
				t.Errorf("%s: no %q in %s", name, part, got)
			}
		}
		if tt.want == nil && got != "" || strings.Count(got, "\n") > 0 {
			t.Errorf("%s: %s", name, got)
		}
		s.Ask = AskModem
		if got := found(t, s, "modem"); tt.self.Denied != nil && got != "skipped: "+errDenied.Error() {
			t.Errorf("%s: the modems are asked although a daemon runs: %s", name, got)
		}
	}
}
