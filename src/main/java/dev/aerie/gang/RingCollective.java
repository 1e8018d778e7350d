package dev.aerie.gang;

import dev.aerie.torch.DType;
import dev.aerie.torch.Device;
import dev.aerie.torch.Scope;
import dev.aerie.torch.Tensor;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.SocketChannel;
import java.time.Duration;
import java.util.List;
import java.util.Locale;

/**
 * Collectives over a ring of TCP connections: each rank sends to the next and receives from the previous one, so that an
 * all-reduce moves 2·(n−1)/n of the buffer through every link, whatever the number of ranks (Patarasuk and Yuan, 2009).
 *
 * <p>Bytes are sent and received in tensor memory, without a copy in Java. Elements that are to be summed are received into one
 * buffer of {@link #PIECE} elements and added by libtorch.
 */
final class RingCollective implements Collective {

    /** Elements sent at once: 1 MiB stays in the second-level cache between receiving and adding. */
    private static final int PIECE = 1 << 18;

    private enum Kind { REDUCE_SCATTER, ALL_GATHER, BROADCAST, SUM_OF_DOUBLES, SUM_OF_LONGS }

    private static final int HEADER_BYTES = 24;

    private final int rank;
    private final int size;
    private final List<String> addresses;
    private final Duration limit;
    private final Duplex links;
    private final Scope own = Scope.detached();
    private final Tensor arrived;
    private Tensor staging;
    private long sequence;
    private volatile boolean closed;

    /** Takes ownership of the channels, which are in non-blocking mode. */
    RingCollective(int rank, int size, SocketChannel previous, SocketChannel next, List<String> addresses, Duration limit)
            throws IOException {
        this.rank = rank;
        this.size = size;
        this.addresses = List.copyOf(addresses);
        this.limit = limit;
        this.links = new Duplex(previous, next);
        try (Scope scope = Scope.open()) {
            arrived = own.adopt(Tensor.zeros(DType.F32, Device.CPU, PIECE));
        }
    }

    @Override
    public int rank() {
        return rank;
    }

    @Override
    public int size() {
        return size;
    }

    @Override
    public void reduceScatter(Tensor flat) {
        long count = FlatTensors.check(flat).count();
        run(Kind.REDUCE_SCATTER, count, deadline -> {
            try (Scope scope = Scope.open()) {
                Tensor host = hostCopy(flat, new Slice(0, count));
                for (int s = 0; s < size - 1; s++) {
                    // Slice c starts at rank c+1 and ends at rank c: its terms are added in the order c+1, c+2, ..., c.
                    send(host, slice(count, ring(rank - s - 1)), slice(count, ring(rank - s - 2)), true, deadline);
                }
                copyBack(host, flat, slice(count));
            }
        });
    }

    @Override
    public void allGather(Tensor flat) {
        long count = FlatTensors.check(flat).count();
        run(Kind.ALL_GATHER, count, deadline -> {
            try (Scope scope = Scope.open()) {
                Tensor host = hostCopy(flat, slice(count));
                for (int s = 0; s < size - 1; s++) {
                    send(host, slice(count, ring(rank - s)), slice(count, ring(rank - s - 1)), false, deadline);
                }
                copyBack(host, flat, new Slice(0, count));
            }
        });
    }

    @Override
    public void broadcast(Tensor flat, int root) {
        long count = FlatTensors.check(flat).count();
        Slice all = new Slice(0, count);
        Slice nothing = new Slice(0, 0);
        run(Kind.BROADCAST, count, deadline -> {
            try (Scope scope = Scope.open()) {
                Tensor host = hostCopy(flat, rank == root ? all : nothing);
                boolean last = ring(rank + 1) == root;
                for (long start = 0; start < count; start += PIECE) {
                    // In pieces, so that later ranks do not wait for the whole tensor.
                    Slice piece = new Slice(start, Math.min(PIECE, count - start));
                    if (rank != root) {
                        send(host, nothing, piece, false, deadline);
                    }
                    if (!last) {
                        send(host, piece, nothing, false, deadline);
                    }
                }
                if (rank != root) {
                    copyBack(host, flat, all);
                }
            }
        });
    }

    @Override
    public void allReduce(double[] values) {
        ByteBuffer all = gather(Kind.SUM_OF_DOUBLES, values.length, b -> b.asDoubleBuffer().put(values));
        for (int i = 0; i < values.length; i++) {
            values[i] = 0;
            for (int r = 0; r < size; r++) {
                values[i] += all.getDouble((r * values.length + i) * Double.BYTES);
            }
        }
    }

    @Override
    public void allReduce(long[] values) {
        ByteBuffer all = gather(Kind.SUM_OF_LONGS, values.length, b -> b.asLongBuffer().put(values));
        for (int i = 0; i < values.length; i++) {
            values[i] = 0;
            for (int r = 0; r < size; r++) {
                values[i] += all.getLong((r * values.length + i) * Long.BYTES);
            }
        }
    }

    private interface Filler {
        void fill(ByteBuffer block);
    }

    /**
     * Returns the values of every rank, in order of rank: each rank adds them in this order and gets the same sum to the bit. On
     * the heap, because a direct buffer for each would be freed only by a garbage collection.
     */
    private ByteBuffer gather(Kind kind, int count, Filler filler) {
        int block = Math.multiplyExact(count, 8);
        ByteBuffer all = ByteBuffer.allocate(Math.multiplyExact(block, size)).order(ByteOrder.nativeOrder());
        run(kind, count, deadline -> {
            filler.fill(all.slice(rank * block, block).order(ByteOrder.nativeOrder()));
            for (int s = 0; s < size - 1; s++) {
                links.exchange(
                        all.slice(ring(rank - s) * block, block), all.slice(ring(rank - s - 1) * block, block), deadline);
            }
        });
        return all;
    }

    /** Sends one slice of a host tensor while another is received, which replaces the old values or is added to them. */
    private void send(Tensor host, Slice out, Slice in, boolean add, Deadline deadline) throws IOException {
        for (long done = 0; done < Math.max(out.length(), in.length()); done += PIECE) {
            try (Scope scope = Scope.open()) {
                Tensor sent = piece(host, out, done);
                Tensor target = piece(host, in, done);
                Tensor landing = add ? arrived.narrow(0, 0, target.count()) : target;
                links.exchange(sent.memory(), landing.memory(), deadline);
                if (add) {
                    target.add_(landing);
                }
            }
        }
    }

    private static Tensor piece(Tensor host, Slice slice, long done) {
        long start = Math.min(done, slice.length());
        return host.narrow(0, slice.start() + start, Math.min(PIECE, slice.length() - start));
    }

    /** Returns the tensor itself if it is on the CPU, else host memory into which the given part has been copied. */
    private Tensor hostCopy(Tensor flat, Slice part) {
        if (flat.device().isCpu()) {
            return flat;
        }
        if (staging == null || staging.count() != flat.count()) {
            if (staging != null) {
                staging.close();
            }
            staging = own.adopt(Tensor.zeros(DType.F32, Device.CPU, flat.count()));
        }
        staging.narrow(0, part.start(), part.length()).copy_(flat.narrow(0, part.start(), part.length()));
        return staging;
    }

    private static void copyBack(Tensor host, Tensor flat, Slice part) {
        if (host != flat) {
            flat.narrow(0, part.start(), part.length()).copy_(host.narrow(0, part.start(), part.length()));
        }
    }

    private int ring(int position) {
        return Math.floorMod(position, size);
    }

    private interface Exchange {
        void run(Deadline deadline) throws IOException;
    }

    /** Runs a collective after checking that the previous rank runs the same one. */
    private void run(Kind kind, long count, Exchange exchange) {
        if (closed) {
            throw new CollectiveException("Rank " + rank + " has closed its connections");
        }
        sequence++;
        Deadline deadline = Deadline.in(limit);
        try {
            agree(kind, count, deadline);
            exchange.run(deadline);
        } catch (IOException | RuntimeException e) {
            abort();
            throw e instanceof CollectiveException c ? c : failure(kind, e);
        }
    }

    private void agree(Kind kind, long count, Deadline deadline) throws IOException {
        ByteBuffer mine = ByteBuffer.allocate(HEADER_BYTES);
        mine.putLong(kind.ordinal()).putLong(sequence).putLong(count).flip();
        ByteBuffer theirs = ByteBuffer.allocate(HEADER_BYTES);
        links.exchange(mine, theirs, deadline);
        mine.flip();
        theirs.flip();
        if (!mine.equals(theirs)) {
            long k = theirs.getLong();
            String other = k >= 0 && k < Kind.values().length ? name(Kind.values()[(int) k]) : "unknown collective " + k;
            throw new CollectiveException(String.format(Locale.ROOT,
                    "Rank %d is at %s %d of %d values but %s is at %s %d of %d values",
                    rank, name(kind), sequence, count, peer(false), other, theirs.getLong(), theirs.getLong()));
        }
    }

    private CollectiveException failure(Kind kind, Exception e) {
        String where = name(kind) + " " + sequence;
        if (e instanceof Duplex.PeerException p) {
            return new CollectiveException(
                    "Rank " + rank + " lost " + peer(p.next) + " in " + where + ": " + p.getMessage(), p);
        }
        return new CollectiveException("Rank " + rank + " failed in " + where + ": " + RingLinks.reason(e), e);
    }

    private String peer(boolean next) {
        int peer = ring(next ? rank + 1 : rank - 1);
        return "rank " + peer + " (" + addresses.get(peer) + ")";
    }

    private static String name(Kind kind) {
        return switch (kind) {
            case REDUCE_SCATTER -> "reduce-scatter";
            case ALL_GATHER -> "all-gather";
            case BROADCAST -> "broadcast";
            case SUM_OF_DOUBLES, SUM_OF_LONGS -> "all-reduce of numbers";
        };
    }

    @Override
    public void abort() {
        closed = true;
        links.close();
    }

    @Override
    public void close() {
        abort();
        own.close();
    }
}
