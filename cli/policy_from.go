package cli

import (
	"fmt"
	"io"
	"os"

	"github.com/spf13/cobra"

	"github.com/ringback/ringback/aaa"
	"github.com/ringback/ringback/config"
	"github.com/ringback/ringback/policies"
	"github.com/ringback/ringback/schema"
)

// fromFlags are the flags of commands that decide with policy files and a site.
type fromFlags struct {
	daemonFlags
	config string
	cfg    *config.Config // that of config, once load has read it; nil: none
}

func (f *fromFlags) add(c *cobra.Command) {
	c.Flags().StringVarP(&f.config, "config", "c", "", "the configuration with the number plan, the places and the "+
		"services that call back (default: a running lab's, if no directory is given; otherwise none, and all "+
		"services call back)")
	c.Flags().StringVarP(&f.output, "output", "o", "table", "table or json")
}

// load returns the policies of a directory; "" is that of the configuration, of a running lab or, without one, the
// usual directory. It prints problems to w; if there are errors it returns an exitStatus.
func (f *fromFlags) load(w io.Writer, dir string) (set *policies.Set, from string, err error) {
	if err := f.check(); err != nil {
		return nil, "", err
	}
	if found := configFile(""); f.config == "" && dir == "" && found != usualConfig {
		f.config = found
	}
	site := policies.Site{Callback: map[aaa.Service]bool{aaa.EXEC: true, aaa.PPP: true}}
	if f.config != "" {
		cfg, problems := config.Load(f.config, nil)
		if cfg == nil {
			printProblems(w, problems)
			return nil, "", exitStatus(1)
		}
		f.cfg = cfg
		if site = cfg.Policies.Site(); dir == "" {
			return cfg.Policies, cfg.PoliciesDir, nil
		}
	}
	if dir == "" {
		dir = policiesDir
	}
	if st, err := os.Stat(dir); err != nil || !st.IsDir() {
		return nil, "", fmt.Errorf("%s is not a directory of policy files", dir)
	}
	set, problems := policies.LoadDir(dir, site)
	if set == nil {
		printProblems(w, problems.Only(schema.Error))
		return nil, "", exitStatus(1)
	}
	return set, dir, nil
}
