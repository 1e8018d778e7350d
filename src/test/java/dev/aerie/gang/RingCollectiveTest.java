package dev.aerie.gang;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.aerie.torch.DType;
import dev.aerie.torch.Device;
import dev.aerie.torch.Scope;
import dev.aerie.torch.Tensor;
import java.net.InetSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.SocketChannel;
import java.time.Duration;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** Ranks as threads of one JVM. */
class RingCollectiveTest {

    private static final Duration LIMIT = Duration.ofSeconds(30);
    /** Longer than any wait of these tests: what ends within it was not ended by it. */
    private static final Duration FOR_EVER = Duration.ofMinutes(30);
    private static final int PATIENCE = 120;

    private final ExecutorService threads = Executors.newCachedThreadPool();

    @AfterEach
    void stop() {
        threads.shutdownNow();
    }

    private <R> List<R> gang(int size, Duration limit, ThreadGang.Rank<R> body) throws Exception {
        return ThreadGang.join(start(size, limit, body));
    }

    private <R> List<Future<R>> start(int size, Duration limit, ThreadGang.Rank<R> body) throws Exception {
        return ThreadGang.start(threads, size, limit, body);
    }

    /** Waits until the thread waits for its peers. */
    private static void awaitSelect(Thread thread) throws InterruptedException {
        while (Arrays.stream(thread.getStackTrace()).noneMatch(f -> f.getMethodName().equals("select"))) {
            Thread.sleep(10);
        }
    }

    private static float[] values(long seed, int rank, int count) {
        Random random = new Random(seed * 31 + rank);
        float[] out = new float[count];
        for (int i = 0; i < count; i++) {
            out[i] = random.nextFloat() - 0.5f;
        }
        return out;
    }

    @Test
    void sumsAndGathersForEverySizeAndLength() throws Exception {
        for (int size = 1; size <= 5; size++) {
            for (int count : new int[] {0, 1, 3, 7, 1000, 300_007, 1_400_001}) {
                double[] sums = new double[count];
                for (int r = 0; r < size; r++) {
                    float[] v = values(count, r, count);
                    for (int i = 0; i < count; i++) {
                        sums[i] += v[i];
                    }
                }
                String where = size + " ranks, " + count + " values";
                List<float[]> all = gang(size, LIMIT, c -> {
                    Tensor x = Tensor.of(values(count, c.rank(), count), count);
                    c.allReduce(x);
                    return x.toFloats();
                });
                List<float[]> slices = gang(size, LIMIT, c -> {
                    Tensor x = Tensor.of(values(count, c.rank(), count), count);
                    c.reduceScatter(x);
                    Slice mine = c.slice(count);
                    return x.narrow(0, mine.start(), mine.length()).toFloats();
                });
                int covered = 0;
                for (int r = 0; r < size; r++) {
                    assertArrayEquals(all.get(0), all.get(r), where + ": ranks differ");
                    float[] mine = slices.get(r);
                    assertArrayEquals(Arrays.copyOfRange(all.get(0), covered, covered + mine.length), mine, where);
                    covered += mine.length;
                }
                assertEquals(count, covered, where);
                for (int i = 0; i < count; i++) {
                    assertEquals(sums[i], all.get(0)[i], 1e-6, where);
                }
            }
        }
    }

    @Test
    void broadcastsFromAnyRank() throws Exception {
        for (int root = 0; root < 3; root++) {
            int from = root;
            float[] expected = values(5, root, 600_001);
            for (float[] x : gang(3, LIMIT, c -> {
                Tensor t = Tensor.of(values(5, c.rank(), 600_001), 600_001);
                c.broadcast(t, from);
                return t.toFloats();
            })) {
                assertArrayEquals(expected, x);
            }
        }
    }

    @Test
    void sumsSmallArraysInOrderOfRankOnEveryRank() throws Exception {
        double[] terms = {1e16, 1, -1e16, 3};
        double expected = 0 + 1e16 + 1 - 1e16 + 3;
        for (double[] x : gang(4, LIMIT, c -> {
            double[] v = {terms[c.rank()], c.rank()};
            c.allReduce(v);
            long[] n = {c.rank(), 1L << 60};
            c.allReduce(n);
            assertArrayEquals(new long[] {6, 4L << 60}, n);
            c.barrier();
            return v;
        })) {
            assertArrayEquals(new double[] {expected, 6}, x);
        }
    }

    @Test
    void aRankThatLeavesIsNamed() throws Exception {
        List<Future<String>> ranks = start(3, FOR_EVER, c -> {
            c.barrier();
            if (c.rank() == 1) {
                return "left";
            }
            return assertThrows(CollectiveException.class, () -> {
                for (int i = 0; i < 10; i++) {
                    c.allReduce(Tensor.zeros(DType.F32, Device.CPU, 1_000_000));
                }
            }).getMessage();
        });
        // Closed connections fail the others, long before the deadline.
        assertEquals("left", ranks.get(1).get(PATIENCE, TimeUnit.SECONDS));
        String after = ranks.get(2).get(PATIENCE, TimeUnit.SECONDS);
        String before = ranks.get(0).get(PATIENCE, TimeUnit.SECONDS);
        assertTrue(after.startsWith("Rank 2 lost rank "), after);
        assertTrue(before.startsWith("Rank 0 lost rank "), before);
        assertTrue((after + before).contains("lost rank 1 (127.0.0.1:"), after + before);
        assertTrue(after.contains(" in reduce-scatter "), after);
    }

    @Test
    void aRankThatHangsIsNamedAfterTheDeadline() throws Exception {
        CountDownLatch named = new CountDownLatch(1);
        List<Future<String>> ranks = start(3, Duration.ofMillis(700), c -> {
            if (c.rank() == 1) {
                named.await();
                return "woke";
            }
            return assertThrows(CollectiveException.class, () -> c.allReduce(new double[3])).getMessage();
        });
        String message = ranks.get(2).get(PATIENCE, TimeUnit.SECONDS);
        assertTrue(message.startsWith("Rank 2 lost rank 1 ("), message);
        assertTrue(message.endsWith("in all-reduce of numbers 1: nothing came for 700 ms"), message);
        ranks.get(0).get(PATIENCE, TimeUnit.SECONDS);
        named.countDown();
    }

    @Test
    void ranksOutOfStepAreToldApart() throws Exception {
        List<String> messages = gang(2, LIMIT, c -> assertThrows(CollectiveException.class, () -> {
            if (c.rank() == 0) {
                c.allReduce(new long[3]);
            } else {
                c.allReduce(new double[4]);
            }
        }).getMessage());
        assertTrue(messages.toString().contains("is at all-reduce of numbers 1 of "), messages::toString);
    }

    @Test
    void anAbortEndsTheWaitOfThisRankAndOfItsPeers() throws Exception {
        CountDownLatch ended = new CountDownLatch(1);
        List<Future<String>> ranks = start(2, FOR_EVER, c -> {
            if (c.rank() == 0) {
                Thread waiting = Thread.currentThread();
                threads.submit(() -> {
                    awaitSelect(waiting);
                    c.abort();
                    return null;
                });
            } else {
                ended.await();
            }
            return assertThrows(CollectiveException.class, c::barrier).getMessage();
        });
        String aborted = ranks.get(0).get(PATIENCE, TimeUnit.SECONDS);
        ended.countDown();
        assertTrue(aborted.startsWith("Rank 0 ") && aborted.contains(" in all-reduce of numbers 1"), aborted);
        String peer = ranks.get(1).get(PATIENCE, TimeUnit.SECONDS);
        assertTrue(peer.startsWith("Rank 1 lost rank 0"), peer);
    }

    @Test
    void anInterruptEndsTheWait() throws Exception {
        CompletableFuture<Thread> waiting = new CompletableFuture<>();
        List<Future<String>> ranks = start(2, FOR_EVER, c -> {
            if (c.rank() == 1) {
                new CountDownLatch(1).await();
            }
            waiting.complete(Thread.currentThread());
            c.barrier();
            return "done";
        });
        awaitSelect(waiting.get(PATIENCE, TimeUnit.SECONDS));
        ranks.forEach(r -> r.cancel(true));
        threads.shutdown();
        assertTrue(threads.awaitTermination(PATIENCE, TimeUnit.SECONDS), "an interrupted rank goes on waiting");
    }

    @Test
    void strangersAreTurnedAwayAndTheRingStillCloses() throws Exception {
        Secret secret = Secret.random();
        RingLinks a = RingLinks.listen(0, "127.0.0.1", ListenPorts.ANY, secret);
        RingLinks b = RingLinks.listen(1, "127.0.0.1", ListenPorts.ANY, secret);
        List<String> addresses = List.of("127.0.0.1:" + a.port(), "127.0.0.1:" + b.port());
        Future<String> rank0 = threads.submit(() -> {
            try (Scope scope = Scope.open(); Collective c = a.connect(addresses, LIMIT, LIMIT)) {
                c.barrier();
                return "met";
            }
        });
        try (SocketChannel garbage = SocketChannel.open(new InetSocketAddress("127.0.0.1", a.port()));
                SocketChannel liar = SocketChannel.open(new InetSocketAddress("127.0.0.1", a.port()))) {
            garbage.write(ByteBuffer.wrap("GET / HTTP/1.1\r\n\r\n".getBytes()));
            assertThrows(SecretException.class,
                    () -> Secret.random().initiateHandshake(liar, "1", Deadline.in(LIMIT)));
        }
        try (Scope scope = Scope.open(); Collective c = b.connect(addresses, LIMIT, LIMIT)) {
            c.barrier();
        }
        assertEquals("met", rank0.get(PATIENCE, TimeUnit.SECONDS));
    }

    @Test
    void aRankWithAnotherSecretIsRefused() throws Exception {
        RingLinks a = RingLinks.listen(0, "127.0.0.1", ListenPorts.ANY, Secret.random());
        RingLinks b = RingLinks.listen(1, "127.0.0.1", ListenPorts.ANY, Secret.random());
        List<String> addresses = List.of("127.0.0.1:" + a.port(), "127.0.0.1:" + b.port());
        Duration soon = Duration.ofSeconds(5);
        Future<Collective> other = threads.submit(() -> b.connect(addresses, soon, LIMIT));
        String one = assertThrows(CollectiveException.class, () -> a.connect(addresses, soon, LIMIT)).getMessage();
        String two = assertThrows(ExecutionException.class, () -> other.get(PATIENCE, TimeUnit.SECONDS)).getCause().getMessage();
        // The rank that fails first reports the cause and closes its connections; the other may only notice that.
        assertTrue(one.startsWith("Rank 0 cannot connect to rank 1"), one);
        assertTrue(two.startsWith("Rank 1 cannot connect to rank 0"), two);
        assertTrue(one.contains("secret") || two.contains("secret"), one + " / " + two);
    }

    @Test
    void aMissingRankIsNamedAfterTheRendezvousDeadline() throws Exception {
        Secret secret = Secret.random();
        RingLinks a = RingLinks.listen(0, "127.0.0.1", ListenPorts.ANY, secret);
        RingLinks never = RingLinks.listen(1, "127.0.0.1", ListenPorts.ANY, secret);
        List<String> addresses = List.of("127.0.0.1:" + a.port(), "127.0.0.1:" + never.port());
        String message = assertThrows(CollectiveException.class,
                () -> a.connect(addresses, Duration.ofMillis(500), LIMIT)).getMessage();
        assertTrue(message.startsWith("Rank 0 cannot connect to rank 1 (127.0.0.1:"), message);
        never.close();
    }

    @Test
    void refusesWhatIsNotAFlatFloat32Tensor() {
        try (Scope scope = Scope.open(); Collective solo = new SoloCollective()) {
            Tensor matrix = Tensor.zeros(DType.F32, Device.CPU, 2, 2);
            assertEquals("Invalid tensor: F32[2, 2] (expected one dimension of float32)",
                    assertThrows(IllegalArgumentException.class, () -> solo.allReduce(matrix)).getMessage());
            assertEquals(new Slice(0, 5), solo.slice(5));
        }
    }
}
