package jobs

import (
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/drayhorse/drayhorse"
)

// uniqueKeySize is what is stored of a unique job's key: the first bytes of its SHA-256.
const uniqueKeySize = 16

// SetUnique makes a job unique in its queue; one of a group, among those of it. The error is drayhorse.ErrInvalid: its
// arguments have no fields.
func (j *NewJob) SetUnique(by *drayhorse.UniqueBy) error {
	text, err := uniqueText(j.Envelope.Kind, j.Envelope.Args, by)
	if err != nil {
		return err
	}
	if j.Envelope.Group != "" { // which is where its jobs are looked for, and they never change it
		text = append([]byte("group\x00"+j.Envelope.Group+"\x00"), text...)
	}
	sum := sha256.Sum256(text)
	j.Unique = by
	j.Envelope.UniqueKey, j.Envelope.UntilStarted, j.Envelope.Fresh = string(sum[:uniqueKeySize]), by.Until == drayhorse.UntilStarted, by.Fresh
	return nil
}

// uniqueText is what makes jobs count as the same. Arguments that mean the same do, in
// whatever order and with whatever space they are written; numbers count as written.
func uniqueText(kind string, args []byte, by *drayhorse.UniqueBy) ([]byte, error) {
	if by.Key != "" {
		return []byte("key\x00" + by.Key), nil
	}
	if len(by.Fields) == 0 {
		return canonical([]byte("args\x00"+kind+"\x00"), args)
	}
	var values map[string]json.RawMessage
	if err := json.Unmarshal(args, &values); err != nil || values == nil {
		return nil, fmt.Errorf("%w: Unique with Fields %q; want arguments of kind %s that are an object", drayhorse.ErrInvalid, by.Fields, kind)
	}
	text := []byte("fields\x00" + kind)
	for _, name := range slices.Compact(slices.Sorted(slices.Values(by.Fields))) {
		value := values[name]
		if value == nil {
			value = json.RawMessage("null")
		}
		var err error
		if text, err = canonical(append(text, "\x00"+name+"\x00"...), value); err != nil {
			return nil, err
		}
	}
	return text, nil
}

func canonical(dst []byte, value json.RawMessage) ([]byte, error) {
	dst, err := jsontext.AppendFormat(dst, value,
		jsontext.ReorderRawObjects(true), jsontext.AllowDuplicateNames(true), jsontext.AllowInvalidUTF8(true))
	if err != nil {
		return nil, fmt.Errorf("%w: arguments: %w", drayhorse.ErrInvalid, err)
	}
	return dst, nil
}

// uniquePlan is the part of a job's plan that says what a second one is to do: the
// conflict, and the times in ms.
func uniquePlan(by *drayhorse.UniqueBy) string {
	if by == nil {
		return ""
	}
	return strings.Join([]string{
		strconv.Itoa(int(by.Conflict)), strconv.FormatInt(by.For.Milliseconds(), 10), strconv.FormatInt(by.MaxWait.Milliseconds(), 10),
	}, ",")
}

// PlaceOf gives the partition where a job belongs: that of its ID, its group or its unique key; nil if
// any will do. The error is drayhorse.ErrInvalid: an ID and a group may be of two.
func PlaceOf(partitions []*Partition, j *NewJob) (*Partition, error) {
	switch n := len(partitions); {
	case j.ID != "" && j.Envelope.Group != "" && n > 1:
		return nil, fmt.Errorf("%w: ID(%q) with Group(%q) on queue %s of %d partitions, where the group says in which one a job is; want Unique with Key, or a queue of one partition",
			drayhorse.ErrInvalid, UnpackID(j.ID), j.Envelope.Group, partitions[0].Queue, n)
	case j.ID != "":
		return PartitionOf(partitions, j.ID), nil
	case j.Envelope.Group != "":
		return PartitionOf(partitions, j.Envelope.Group), nil
	case j.Envelope.UniqueKey != "":
		return PartitionOf(partitions, j.Envelope.UniqueKey), nil
	}
	return nil, nil
}
