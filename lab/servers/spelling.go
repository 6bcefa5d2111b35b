package servers

import "strings"

// didYouMean is `: did you mean X?` if a known word is close to word, otherwise "".
func didYouMean(word string, known []string) string {
	best, least := "", len(word)/3+1
	for _, k := range known {
		if len(k)-len(word) > least || len(word)-len(k) > least {
			continue
		}
		if d := distance(strings.ToLower(word), strings.ToLower(k)); d <= least && (best == "" || d < least) {
			best, least = k, d
		}
	}
	if best == "" {
		return ""
	}
	return ": did you mean " + best + "?"
}

// distance is the Levenshtein distance of words of up to 64 octets.
func distance(a, b string) int {
	a, b = a[:min(len(a), 64)], b[:min(len(b), 64)]
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			cost := 1
			if a[i] == b[j] {
				cost = 0
			}
			diagonal, row[j+1] = row[j+1], min(row[j+1]+1, row[j]+1, diagonal+cost)
		}
	}
	return row[len(b)]
}
