// Package audit proves to an auditor what the audit of a node said, and when. A Sealer signs the head of the audit's
// chain and appends it to a file outside of the journal; Verify compares rows with such seals. An auditor needs the
// public key, the seals, and the rows (of the journal, or an export), and no secret.
package audit
