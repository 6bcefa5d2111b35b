package cli

import (
	"fmt"
	"io"
	"runtime"
	"runtime/debug"

	"github.com/spf13/cobra"

	"github.com/ringback/ringback/api/client"
)

func newVersion(version string) *cobra.Command {
	var output string
	c := &cobra.Command{
		Use:   "version",
		Short: "print the version of this binary, as `ringback --version` does",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			f := daemonFlags{output: output}
			v := client.Version{Version: version, Go: runtime.Version()}
			return f.print(cmd.OutOrStdout(), map[string]string{"version": v.Version, "go": v.Go}, func(w io.Writer) {
				fmt.Fprint(w, versionLine(version))
			})
		},
	}
	c.Flags().StringVarP(&output, "output", "o", "table", "table or json")
	return c
}

func versionLine(version string) string {
	return fmt.Sprintf("ringback %s, %s\n", version, runtime.Version())
}

// versionText returns the release, else the revision recorded by the build, else "devel".
func versionText(release string) string {
	if release != "" {
		return release
	}
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return "devel"
	}
	for _, s := range info.Settings {
		if s.Key == "vcs.revision" {
			return "devel " + s.Value[:min(12, len(s.Value))]
		}
	}
	return "devel"
}
