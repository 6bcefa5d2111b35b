package config

// startChat reads which group's policy permits the dials of start-chat.
func (l *loader) startChat() {
	at := l.v.Get("start_chat", "policy")
	if !at.IsSet() || l.cfg.Policies == nil { // otherwise the problem is reported there
		return
	}
	name := at.Text()
	switch p, ok := l.cfg.Policies.Group(name); {
	case !ok:
		l.errorAt(at, "write "+name+".yaml in policies_dir, with numbers: {allow: [\"84*\"]}",
			"group %s has no policy file", name)
	case len(p.Numbers.Allow) == 0:
		l.errorAt(at, "write numbers: {allow: [\"84*\"]} in its policy file",
			"group %s allows no number (numbers.allow)", name)
	}
	l.cfg.ChatPolicy = name
}
