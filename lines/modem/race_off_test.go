//go:build !race

package modem

const underRace = false
