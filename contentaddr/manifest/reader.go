package manifest

import (
	"context"

	"github.com/ipfs/go-cid"
)

// Reader reads a UnixFS file at any offset, and fetches only the blocks on the way. Safe for
// concurrent use.
type Reader struct{}

// OpenFile returns a reader of the file c. fault.BadInput when c is no file.
func OpenFile(ctx context.Context, c cid.Cid, get Get) (*Reader, error) { panic("soon") }

// Size returns the bytes of the file.
func (r *Reader) Size() int64 { panic("soon") }

// ReadAt is io.ReaderAt with a context: it fills p or says why not, io.EOF at the end.
func (r *Reader) ReadAt(ctx context.Context, p []byte, off int64) (int, error) { panic("soon") }
