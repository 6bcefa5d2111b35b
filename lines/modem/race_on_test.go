//go:build race

package modem

const underRace = true // it needs more memory
