package dev.aerie.spark;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotSame;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.aerie.torch.Device;
import java.io.IOException;
import java.io.InterruptedIOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(60)
class SharedModelsTest {

    private record Key(String name, Device device) implements ModelKey {}

    /** A part of a model that writes down what becomes of it. */
    private record Part(String name, List<String> events) implements AutoCloseable {

        Part {
            events.add("open " + name);
        }

        @Override
        public void close() {
            events.add("close " + name);
        }
    }

    private record Model(Part draft, Part target) {}

    private static final Key A = new Key("a", Device.CPU);
    private static final Key B = new Key("b", Device.CPU);

    private final List<String> events = Collections.synchronizedList(new ArrayList<>());
    private final SharedModels<Key, Model> models = new SharedModels<>(this::load, Duration.ofMillis(300));

    private Model load(Key key, ModelParts parts) {
        return new Model(parts.add(new Part(key.name() + ".draft", events)), parts.add(new Part(key.name() + ".target", events)));
    }

    @Test
    void concurrentLeasesShareOneLoad() throws Exception {
        int tasks = 8;
        CountDownLatch together = new CountDownLatch(tasks);
        ExecutorService threads = Executors.newFixedThreadPool(tasks);
        List<Future<Model>> found = new ArrayList<>();
        for (int i = 0; i < tasks; i++) {
            found.add(threads.submit(() -> {
                try (SharedModels.Lease<Model> lease = models.lease(A)) {
                    together.countDown();
                    assertTrue(together.await(30, TimeUnit.SECONDS));
                    return lease.model();
                }
            }));
        }
        for (Future<Model> model : found) {
            assertSame(found.get(0).get(), model.get());
        }
        threads.shutdown();
        assertEquals(List.of("open a.draft", "open a.target"), events, "it stays between leases");
        try (SharedModels.Lease<Model> lease = models.lease(A)) {
            assertSame(found.get(0).get(), lease.model());
        }
        models.release();
        assertEquals(List.of("open a.draft", "open a.target", "close a.target", "close a.draft"), events);
    }

    /** For each kind of exception of a load: the open parts are closed, and a retry fails for the same cause. */
    @Test
    void aLoadThatFailsHalfWayIsClosedAndTriedAgain() throws IOException {
        for (Throwable cause : List.of(new IOException("no such file"), new IllegalStateException("a tensor is missing"),
                new OutOfMemoryError("native memory"))) {
            events.clear();
            boolean[] mended = {false};
            SharedModels<Key, Model> failing = new SharedModels<>((key, parts) -> {
                Part draft = parts.add(new Part("draft", events));
                if (!mended[0]) {
                    SharedModelsTest.<IOException>raise(cause);
                }
                return new Model(draft, parts.add(new Part("target", events)));
            });
            for (int attempt = 0; attempt < 3; attempt++) {
                assertSame(cause, assertThrows(Throwable.class, () -> failing.lease(A)));
            }
            assertEquals(List.of("open draft", "close draft", "open draft", "close draft", "open draft", "close draft"), events);
            mended[0] = true;
            try (SharedModels.Lease<Model> lease = failing.lease(A)) {
                assertEquals("target", lease.model().target().name());
            }
        }
    }

    @SuppressWarnings("unchecked")
    private static <E extends Throwable> void raise(Throwable cause) throws E {
        throw (E) cause;
    }

    @Test
    void aPartThatCannotBeClosedHidesNoCauseAndKeepsNoOtherOpen() {
        SharedModels<Key, Model> failing = new SharedModels<>((key, parts) -> {
            parts.add(new Part("draft", events));
            parts.add(() -> {
                throw new IllegalStateException("cannot close");
            });
            throw new IOException("the cause");
        });
        IOException thrown = assertThrows(IOException.class, () -> failing.lease(A));
        assertEquals("the cause", thrown.getMessage());
        assertTrue(thrown.getSuppressed()[0].getMessage().contains("cannot close"));
        assertEquals(List.of("open draft", "close draft"), events);
    }

    @Test
    void anotherModelWaitsForTheLeasesOfTheOneBefore() throws Exception {
        SharedModels<Key, Model> patient = new SharedModels<>(this::load);
        SharedModels.Lease<Model> first = patient.lease(A);
        SharedModels.Lease<Model> second = patient.lease(A);
        CompletableFuture<SharedModels.Lease<Model>> other = CompletableFuture.supplyAsync(() -> {
            try {
                return patient.lease(B);
            } catch (IOException e) {
                throw new IllegalStateException(e);
            }
        });
        first.close();
        first.close();
        assertThrows(TimeoutException.class, () -> other.get(200, TimeUnit.MILLISECONDS), "closing twice ends one lease");
        assertEquals(2, events.size());
        second.close();
        try (SharedModels.Lease<Model> lease = other.get()) {
            assertEquals("b.draft", lease.model().draft().name());
            assertEquals(List.of("open a.draft", "open a.target", "close a.target", "close a.draft", "open b.draft",
                    "open b.target"), events);
        }
    }

    @Test
    void theWaitHasADeadlineAndCanBeInterrupted() throws Exception {
        try (SharedModels.Lease<Model> lease = models.lease(A)) {
            IOException late = assertThrows(IOException.class, () -> models.lease(B));
            assertTrue(late.getMessage().contains("still in use by 1 tasks"), late.getMessage());
            SharedModels<Key, Model> patient = new SharedModels<>(this::load);
            try (SharedModels.Lease<Model> used = patient.lease(A)) {
                CompletableFuture<Throwable> failure = new CompletableFuture<>();
                Thread waiting = new Thread(() -> failure.complete(assertThrows(Throwable.class, () -> patient.lease(B))));
                waiting.start();
                waiting.interrupt();
                assertEquals(InterruptedIOException.class, failure.get().getClass());
            }
            assertEquals("a.draft", lease.model().draft().name());
        }
    }

    /** Two GPUs of an executor: their tasks neither share a model nor wait for each other. */
    @Test
    void everyDeviceHasAModelOfItsOwn() throws IOException, ExecutionException {
        try (SharedModels.Lease<Model> one = models.lease(new Key("a", Device.cuda(0)));
                SharedModels.Lease<Model> two = models.lease(new Key("a", Device.cuda(1)))) {
            assertNotSame(one.model(), two.model());
        }
        assertEquals(4, events.size());
        models.release();
        assertEquals(8, events.size());
    }

    @Test
    void whatIsReleasedInUseIsClosedWithItsLastLeaseUnlessItIsLeasedAgain() throws IOException {
        SharedModels.Lease<Model> first = models.lease(A);
        models.release();
        SharedModels.Lease<Model> second = models.lease(A);
        assertSame(first.model(), second.model());
        first.close();
        models.release();
        assertEquals(2, events.size());
        second.close();
        assertEquals(List.of("open a.draft", "open a.target", "close a.target", "close a.draft"), events);
    }
}
