package picker

// nextOfRun goes on where the source's last leaf was. A new run begins at the first free leaf of a sole
// source, so that its content comes front to back, and at random among several, so that their runs do
// not meet at once.
func (k *picking) nextOfRun() int {
	if i := k.s.cursor; k.free.Has(i) && k.may(i) {
		return i
	}
	if len(k.order) > 1 {
		return k.anyLeaf()
	}
	if k.s.can == nil {
		return k.free.NextCommon(k.free, 0)
	}
	return k.free.NextCommon(k.s.can, 0)
}
