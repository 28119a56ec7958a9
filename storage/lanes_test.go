package storage_test

import (
	"testing"

	"adbridge/storage/storagetest"
)

func TestOneLaneNeverHasTwoHoldersAcrossProcesses(t *testing.T) {
	t.Parallel()
	storagetest.EachURL(t, func(t *testing.T, url string) {
		storagetest.Contend(t, storagetest.Open(t, url), storagetest.Open(t, url))
	})
}
