package cli

import (
	"fmt"

	"github.com/spf13/cobra"
)

// shells are the shells for which there is a completion script.
var shells = []string{"bash", "zsh", "fish"}

func newCompletion() *cobra.Command {
	return &cobra.Command{
		Use:   "completion bash|zsh|fish",
		Short: "print the completion script of a shell",
		Long: `Prints the script with which a shell completes the commands, flags and names of ringback. Names of lines, callbacks,
users, groups and servers are those of the running daemon. The packages install the scripts.

  source <(ringback completion bash)                                            bash, this shell only
  ringback completion bash > /etc/bash_completion.d/ringback                    bash, for all users
  ringback completion zsh > "${fpath[1]}/_ringback"                             zsh
  ringback completion fish > ~/.config/fish/completions/ringback.fish           fish`,
		Args:                  cobra.ExactArgs(1),
		ValidArgs:             shells,
		DisableFlagsInUseLine: true,
		RunE: func(cmd *cobra.Command, args []string) error {
			root, w := cmd.Root(), cmd.OutOrStdout()
			switch args[0] {
			case "bash":
				return root.GenBashCompletionV2(w, true)
			case "zsh":
				return root.GenZshCompletion(w)
			case "fish":
				return root.GenFishCompletion(w, true)
			}
			return usageError{cmd, fmt.Errorf("unknown shell %q; valid shells: bash, zsh, fish", args[0])}
		},
	}
}
