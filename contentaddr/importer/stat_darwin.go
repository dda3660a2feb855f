package importer

import "syscall"

func (s *Stat) addSystem(sys any) {
	if st, ok := sys.(*syscall.Stat_t); ok {
		s.ChangeTime = st.Ctimespec.Nano()
		s.Inode, s.Device = st.Ino, uint64(st.Dev)
	}
}
