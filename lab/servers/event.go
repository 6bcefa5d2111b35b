package servers

import "time"

// Event is one packet that a test server received or sent, as text. Its secrets are masked.
type Event struct {
	Time       time.Time `json:"time"`
	Protocol   string    `json:"protocol"` // "radius" or "tacacs+"
	Peer       string    `json:"peer"`     // the other side's address
	Sent       bool      `json:"sent"`
	Kind       string    `json:"kind"`                 // "Access-Request", "PASS_ADD", …; "" if it is no packet
	What       string    `json:"what"`                 // "Access-Request id 7 of 73 octets"
	Attributes []string  `json:"attributes,omitempty"` // "User-Name = \"bob\""
	Judged     []string  `json:"judged,omitempty"`     // "Message-Authenticator good"
	Note       string    `json:"note,omitempty"`       // why it is not answered, or which fault altered it
}

const masked = "[secret]"
