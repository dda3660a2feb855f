package importer

import "syscall"

func (s *Stat) addSystem(sys any) {
	if st, ok := sys.(*syscall.Stat_t); ok {
		s.ChangeTime = st.Ctim.Nano()
		s.Inode, s.Device = st.Ino, st.Dev
	}
}

// sparse reports whether the file system has given a file fewer bytes than its size.
func sparse(sys any) bool {
	st, ok := sys.(*syscall.Stat_t)
	return ok && st.Blocks*512 < st.Size
}
