package config

import (
	"bytes"
	"compress/gzip"
	"encoding/json"

	"github.com/ringback/ringback/schema"
)

// Setting is a key of a configuration and its value in force.
type Setting struct {
	Key   string `json:"key"`   // path; a list or dict is one key
	Value string `json:"value"` // as people read it; secrets are [secret]. "": it has no value
	Set   bool   `json:"set"`   // by the file or the environment; false: the default
}

// effective returns the settings, packed: those of a file with thousands of lines are kept for a command that few give.
func (s source) effective() []byte {
	var all []Setting
	eachKey("", Keys(), func(path string, k schema.Key) { all = append(all, s.setting(path, k)) })
	var out bytes.Buffer
	z := gzip.NewWriter(&out)
	if json.NewEncoder(z).Encode(all) != nil || z.Close() != nil { // into memory
		return nil
	}
	return out.Bytes()
}

func (s source) setting(path string, k schema.Key) Setting {
	v := s.at(path)
	out := Setting{Key: path, Value: schema.Shown(k, v), Set: v.IsSet()}
	if t, ok := s.over[path]; ok {
		if o, err := schema.ParseScalar(k, t); err == nil {
			return Setting{path, schema.Shown(k, o), true}
		}
	}
	if t, ok := s.inForce[path]; ok && !out.Set {
		if o, err := schema.ParseScalar(k, t); err == nil {
			out.Value = schema.Shown(k, o)
		}
	}
	return out
}

// Effective returns the values in force of all keys, in the order of the reference. What is in the files that a key
// names is not shown.
func (c *Config) Effective() (all []Setting, err error) {
	z, err := gzip.NewReader(bytes.NewReader(c.effective))
	if err != nil {
		return nil, err
	}
	return all, json.NewDecoder(z).Decode(&all)
}
