package servers

import "time"

// Event is one packet that a test server took or sent, for people. Secrets in it are masked.
type Event struct {
	Time       time.Time `json:"time"`
	Protocol   string    `json:"protocol"` // "radius" or "tacacs+"
	Peer       string    `json:"peer"`     // the other side's address
	Sent       bool      `json:"sent"`
	Kind       string    `json:"kind"`                 // "Access-Request", "PASS_ADD", …; "" of what is no packet
	What       string    `json:"what"`                 // "Access-Request id 7 of 73 octets"
	Attributes []string  `json:"attributes,omitempty"` // "User-Name = \"bob\""
	Judged     []string  `json:"judged,omitempty"`     // "Message-Authenticator good"
	Note       string    `json:"note,omitempty"`       // why it is not answered, or by which fault it is as it is
}

const masked = "[secret]"
