package importer

import "io/fs"

// A Stat says which version of which file something was read from. Two equal ones, from before and
// after a read, mean that the file did not change meanwhile, as far as its file system tells.
type Stat struct {
	Size          int64
	ModTime       int64 // nanoseconds since 1970
	ChangeTime    int64 // of the inode, likewise; 0 where the system has none
	Inode, Device uint64
}

// StatOf reads the Stat out of what (*os.File).Stat or os.Lstat returned.
func StatOf(info fs.FileInfo) Stat {
	s := Stat{Size: info.Size(), ModTime: info.ModTime().UnixNano()}
	s.addSystem(info.Sys())
	return s
}
