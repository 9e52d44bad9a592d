"""Instructions on vectors, written down for LLVM: rows combined with many others, every sum or order held in registers.

A loop that numba compiles is turned into vectors only where it reads few arrays, so that each step of a long sum goes
through memory. Here a row is worked through in pieces of a few vectors, and a piece meets all its rows before the next:
two to four times as fast. LLVM makes of a vector what the processor has; what comes out is the same everywhere: for each
voxel one operation after another, in the order written, as if it were alone.

Rows lie in one array, which is named first. Those of a ring are counted modulo `around`: row k starts at voxel
((first + k) % around) * pitch, where first and k are less than `around`. Nobody checks that a row ends within its array.
`out`, 1-D, has as many voxels as are computed and overlaps no row that is read.
"""

from ..jit import written

BYTES = 64                             # of a vector: the longest that processors have
SHORT = 16                             # bytes of one where rows are shorter than that
PIECE = 4                              # vectors that are worked on at the same time


class _Lanes:
    """What the functions below say to LLVM: numbers, or as many beside each other as a vector has lanes."""

    def __init__(self, tools, context, builder, signature, args):
        self.ir, self.cgutils, self.int64 = tools.ir, tools.cgutils, tools.types.int64
        self.context, self.b, self.signature, self.args = context, builder, signature, args
        self.word = tools.ir.IntType(64)

    def whole(self, i):
        """An integer argument, as 64 bits."""
        return self.context.cast(self.b, self.args[i], self.signature.args[i], self.int64)

    def array(self, i):
        """(address of the first voxel, type of a voxel, voxels) of a contiguous array argument."""
        kind = self.signature.args[i]
        if kind.layout != "C":
            raise TypeError(f"argument {i} is {kind}, must be contiguous")
        made = self.context.make_array(kind)(self.context, self.b, self.args[i])
        return self.b.ptrtoint(made.data, self.word), self.context.get_data_type(kind.dtype), made.nitems

    def bytes(self, kind):
        return self.context.get_abi_sizeof(kind)

    def constant(self, n):
        return self.ir.Constant(self.word, n)

    def vector(self, kind, lanes):
        return kind if lanes == 1 else self.ir.VectorType(kind, lanes)

    def _pointer(self, array, index, lanes):
        address = self.b.add(array[0], self.b.mul(index, self.constant(self.bytes(array[1]))))
        return self.b.inttoptr(address, self.vector(array[1], lanes).as_pointer())

    def load(self, array, index, lanes=1):
        loaded = self.b.load(self._pointer(array, index, lanes))
        loaded.align = self.bytes(array[1])
        return loaded

    def store(self, value, array, index, lanes):
        stored = self.b.store(value, self._pointer(array, index, lanes))
        stored.align = self.bytes(array[1])

    def splat(self, value, lanes):
        """One number in all lanes."""
        if lanes == 1:
            return value
        kind, place = self.vector(value.type, lanes), self.ir.IntType(32)
        first = self.b.insert_element(self.ir.Constant(kind, self.ir.Undefined), value, self.ir.Constant(place, 0))
        zeros = self.ir.Constant(self.ir.VectorType(place, lanes), [0] * lanes)
        return self.b.shuffle_vector(first, self.ir.Constant(kind, self.ir.Undefined), zeros)

    def lesser(self, v, w):
        return self.b.select(self.b.icmp_signed("<", v, w), v, w)

    def greater(self, v, w):
        return self.b.select(self.b.icmp_signed("<", v, w), w, v)

    def variable(self, value):
        """A variable that holds a value."""
        room = self.cgutils.alloca_once(self.b, value.type)
        self.b.store(value, room)
        return room

    def count(self, n):
        """A loop over 0 to n - 1, as a context that has the index."""
        return self.cgutils.for_range(self.b, n, intp=self.word)

    def place(self, k, first, around, pitch):
        """Where row k of a ring starts."""
        k = self.b.add(first, k)
        k = self.b.select(self.b.icmp_signed("<", k, around), k, self.b.sub(k, around))
        return self.b.mul(k, pitch)

    def piece(self, array, place, lanes, vectors):
        """So many vectors of a row, side by side."""
        return [self.load(array, self.b.add(place, self.constant(lanes * u)), lanes) for u in range(vectors)]

    def along(self, n, kind, emit, vectors=PIECE):
        """emit(i, lanes, vectors) for all of n voxels: pieces, then single vectors, the last of which may overlap the one
        before; of a row shorter than a vector the same in short vectors, of a shorter one voxel by voxel."""
        lanes = BYTES // self.bytes(kind)
        with self.b.if_else(self.b.icmp_signed(">=", n, self.constant(lanes))) as (long, short):
            with long:
                self._over(self._over(self.constant(0), n, lanes, vectors, emit), n, lanes, 1, emit)
            with short:
                few = max(1, SHORT // self.bytes(kind))
                with self.b.if_else(self.b.icmp_signed(">=", n, self.constant(few))) as (some, none):
                    with some:
                        self._over(self.constant(0), n, few, 1, emit)
                    with none:
                        self._over(self.constant(0), n, 1, 1, emit)

    def _over(self, start, n, lanes, vectors, emit):
        """emit(i, lanes, vectors) from `start` on: whole pieces of several vectors, or single ones to the end; where it
        stopped."""
        step, end = self.constant(lanes * vectors), n
        if vectors > 1:
            end = self.b.add(start, self.b.mul(self.b.sdiv(self.b.sub(n, start), step), step))
        last = self.b.sub(n, step)
        with self.cgutils.for_range_slice(self.b, start, end, step, self.word) as (i, _):
            emit(self.b.select(self.b.icmp_signed("<", i, last), i, last), lanes, vectors)
        return end


@written
def weigh(tools):
    """weigh(ring, first, around, pitch, half, odd, out): weighted sums of 2 r + 1 rows, where half is r + 1 long.

    From the farthest pair of rows inwards, half[r] first, the centre's half[0] last, beginning with 0; where `odd` the rows
    before the centre are subtracted. ring, half and out are of one float type.
    """

    @tools.intrinsic
    def weigh(typing, ring, first, around, pitch, half, odd, out):
        def generate(context, builder, signature, args):
            with_, b = _Lanes(tools, context, builder, signature, args), builder
            ring, half, out = (with_.array(i) for i in (0, 4, 6))
            radius = b.sub(half[2], with_.constant(1))
            where = [with_.whole(i) for i in (1, 2, 3)]

            def row(k, i, lanes, vectors):
                return with_.piece(ring, b.add(with_.place(k, *where), i), lanes, vectors)

            def piece(odd, i, lanes, vectors):
                kind = with_.vector(ring[1], lanes)
                zero = tools.ir.Constant(kind, [0.0] * lanes if lanes > 1 else 0.0)
                sums = [with_.variable(zero) for _ in range(vectors)]
                with with_.count(radius) as loop:
                    weight = with_.splat(with_.load(half, b.sub(radius, loop.index)), lanes)
                    last = b.sub(b.mul(radius, with_.constant(2)), loop.index)
                    before, after = (row(k, i, lanes, vectors) for k in (loop.index, last))
                    for total, v, w in zip(sums, before, after, strict=True):
                        pair = b.fsub(w, v) if odd else b.fadd(v, w)
                        b.store(b.fadd(b.load(total), b.fmul(weight, pair)), total)
                weight = with_.splat(with_.load(half, with_.constant(0)), lanes)
                for u, v in enumerate(row(radius, i, lanes, vectors)):
                    value = b.fadd(b.load(sums[u]), b.fmul(weight, v))
                    with_.store(value, out, b.add(i, with_.constant(lanes * u)), lanes)

            with b.if_else(args[5]) as (then, otherwise):
                with then:
                    with_.along(out[2], out[1], lambda *at: piece(True, *at))
                with otherwise:
                    with_.along(out[2], out[1], lambda *at: piece(False, *at))
            return context.get_dummy_value()

        return tools.types.void(ring, first, around, pitch, half, odd, out), generate

    return weigh


def _least(with_, row, count, out):
    """The least voxels of `count` rows, row(k, i, lanes, vectors), to `out`."""
    b, one = with_.b, with_.constant(1)

    def piece(i, lanes, vectors):
        found = [with_.variable(v) for v in row(with_.constant(0), i, lanes, vectors)]
        with with_.count(b.sub(count, one)) as loop:
            for least, v in zip(found, row(b.add(loop.index, one), i, lanes, vectors), strict=True):
                b.store(with_.lesser(b.load(least), v), least)
        for u, least in enumerate(found):
            with_.store(b.load(least), out, b.add(i, with_.constant(lanes * u)), lanes)

    with_.along(out[2], out[1], piece)


@written
def least(tools):
    """least(ring, first, around, pitch, hop, count, out): the least voxels of `count` rows, at least 1, of signed integers:
    rows 0, hop, 2 * hop and so on."""

    @tools.intrinsic
    def least(typing, ring, first, around, pitch, hop, count, out):
        def generate(context, builder, signature, args):
            with_ = _Lanes(tools, context, builder, signature, args)
            ring, hop, where = with_.array(0), with_.whole(4), [with_.whole(i) for i in (1, 2, 3)]

            def row(k, i, lanes, vectors):
                return with_.piece(ring, builder.add(with_.place(builder.mul(k, hop), *where), i), lanes, vectors)

            _least(with_, row, with_.whole(5), with_.array(6))
            return context.get_dummy_value()

        return tools.types.void(ring, first, around, pitch, hop, count, out), generate

    return least


@written
def least_of(tools):
    """least_of(rows, base, at, out): the least voxels of at.size rows, at least 1, of signed integers; row k starts at voxel
    base + at[k]."""

    @tools.intrinsic
    def least_of(typing, rows, base, at, out):
        def generate(context, builder, signature, args):
            with_ = _Lanes(tools, context, builder, signature, args)
            rows, base, at = with_.array(0), with_.whole(1), with_.array(2)

            def row(k, i, lanes, vectors):
                place = builder.add(builder.add(base, with_.load(at, k)), i)
                return with_.piece(rows, place, lanes, vectors)

            _least(with_, row, at[2], with_.array(3))
            return context.get_dummy_value()

        return tools.types.void(rows, base, at, out), generate

    return least_of


@written
def ranked(tools):
    """ranked(rows, at, powers, least, rank, out): of at.size rows, row k at at[k], the value which `rank` of them are below.

    It is found bit by bit from `least`, a bit being set where no more than `rank` are below. `powers` are the bits, the
    highest first. rows, powers, least and out are of one signed integer type, which holds at.size without its sign.
    """

    @tools.intrinsic
    def ranked(typing, rows, at, powers, least, rank, out):
        def generate(context, builder, signature, args):
            with_, b = _Lanes(tools, context, builder, signature, args), builder
            rows, at, powers, out = (with_.array(i) for i in (0, 1, 2, 5))
            rank = with_.whole(4)
            rank = rank if rows[1].width == 64 else b.trunc(rank, rows[1])

            def piece(i, lanes, vectors):
                kind = with_.vector(rows[1], lanes)
                zero, most = with_.splat(tools.ir.Constant(rows[1], 0), lanes), with_.splat(rank, lanes)
                found = [with_.variable(with_.splat(args[3], lanes)) for _ in range(vectors)]
                counts = [with_.variable(zero) for _ in range(vectors)]
                with with_.count(powers[2]) as bit:
                    power = with_.splat(with_.load(powers, bit.index), lanes)
                    levels = [b.xor(b.load(v), power) for v in found]
                    for count in counts:
                        b.store(zero, count)
                    with with_.count(at[2]) as loop:
                        place = b.add(with_.load(at, loop.index), i)
                        for count, level, v in zip(counts, levels, with_.piece(rows, place, lanes, vectors), strict=True):
                            b.store(b.sub(b.load(count), b.sext(b.icmp_signed("<", v, level), kind)), count)
                    for v, level, count in zip(found, levels, counts, strict=True):
                        b.store(b.select(b.icmp_unsigned("<=", b.load(count), most), level, b.load(v)), v)
                for u, v in enumerate(found):
                    with_.store(b.load(v), out, b.add(i, with_.constant(lanes * u)), lanes)

            with_.along(out[2], out[1], piece)
            return context.get_dummy_value()

        return tools.types.void(rows, at, powers, least, rank, out), generate

    return ranked


def network(inputs, outputs, compute):
    """A function combine(rows, at, result, to, n) for kernels: n voxels of `outputs` rows out of `inputs` rows.

    Row k starts at voxel at[k] of `rows`, what is made of them at voxel to[k] of `result`: arrays of one signed integer
    type. compute(with_, *voxels) gives the list of results, by with_.lesser(v, w) and with_.greater(v, w) alone.
    """

    @written
    def combine(tools):
        @tools.intrinsic
        def combine(typing, rows, at, result, to, n):
            def generate(context, builder, signature, args):
                with_, b = _Lanes(tools, context, builder, signature, args), builder
                rows, at, result, to = (with_.array(i) for i in range(4))
                starts = [with_.load(at, with_.constant(k)) for k in range(inputs)]
                ends = [with_.load(to, with_.constant(k)) for k in range(outputs)]

                def piece(i, lanes, _):
                    voxels = [with_.load(rows, b.add(place, i), lanes) for place in starts]
                    for value, place in zip(compute(with_, *voxels), ends, strict=True):
                        with_.store(value, result, b.add(place, i), lanes)

                with_.along(with_.whole(4), rows[1], piece, 1)
                return context.get_dummy_value()

            return tools.types.void(rows, at, result, to, n), generate

        return combine

    return combine
