package client

import (
	"encoding/json"
	"testing"
)

// TestProblemSaysWhatIsWrong: the text of a request that was not valid names its parameters.
func TestProblemSaysWhatIsWrong(t *testing.T) {
	for body, want := range map[string]string{
		`{"title": "Not Found"}`: "Not Found",
		`{"title": "Unprocessable Entity", "detail": "validation failed"}`: "validation failed",
		`{"detail": "validation failed", "errors": [{"message": "required query parameter is missing",
			"location": "query.script", "value": ""}, {"message": "unexpected property"}]}`: "validation failed: " +
			"required query parameter is missing (query.script); unexpected property",
	} {
		var p Problem
		if err := json.Unmarshal([]byte(body), &p); err != nil || p.Error() != want {
			t.Errorf("%s: %v, %v, want %s", body, p.Error(), err, want)
		}
	}
}
