package broker

import (
	"fmt"

	"github.com/ringback/ringback/aaa"
	"github.com/ringback/ringback/policies"
	"github.com/ringback/ringback/session"
	"github.com/ringback/ringback/texts"
)

// accessEnd is the cause of the context of a session whose access window has ended.
var accessEnd = session.End{Cause: aaa.CauseSessionTimeout, Text: texts.EndSession}

// needsAccess reports whether a group's users may come in only while a window is open.
func (b *Broker) needsAccess(group string) (p policies.Access, needed bool) {
	policy, ok := b.config.Load().Policies.Group(group)
	return policy.Access, ok && policy.Access.Required
}

// noAccess returns why nobody of a group may come in; "" if they may.
func (b *Broker) noAccess(group string) string {
	if _, needed := b.needsAccess(group); !needed {
		return ""
	}
	if _, open := b.access.inForce()[group]; open {
		return ""
	}
	return fmt.Sprintf("no access window of group %s is open", group)
}

// endAccess ends the sessions of a group whose window is closed already, so that none begins afterwards.
func (b *Broker) endAccess(group string) {
	if p, needed := b.needsAccess(group); !needed || p.Continue {
		return
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, c := range b.calls {
		if c.group == group && c.admitted != (aaa.Identity{}) {
			c.cancel(accessEnd)
		}
	}
}
