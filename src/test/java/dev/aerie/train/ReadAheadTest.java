package dev.aerie.train;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.aerie.store.Part;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

class ReadAheadTest {

    /** Conversations of 200 MiB, by their index; one of them cannot be read. */
    private static final class Failing implements HiddenStateSource {

        private final Throwable failure;
        private final int at;
        private final AtomicInteger asked = new AtomicInteger();

        Failing(Throwable failure, int at) {
            this.failure = failure;
            this.at = at;
        }

        @Override
        public int[] lengths(Part part) {
            return IntStream.range(0, 10).map(i -> 6_000).toArray();
        }

        @Override
        public long bytes(Part part, int index) {
            return 200L << 20;
        }

        @Override
        public Optional<TrainingSample> read(Part part, int index) {
            asked.incrementAndGet();
            if (index == at && failure instanceof Error e) {
                throw e;
            } else if (index == at) {
                throw (RuntimeException) failure;
            }
            return Optional.of(
                    new MemorySource.Held("" + index, new int[] {index}, new boolean[1], new float[3], new float[1]));
        }

        @Override
        public void close() {}
    }

    /** The step that needs the conversation fails, not one before it, and with what the reader said. */
    @Test
    void failsWhereTheConversationIsUsed() throws Exception {
        IllegalStateException damaged = new IllegalStateException("damaged");
        try (ReadAhead reading = new ReadAhead(new Failing(damaged, 4), Part.TRAIN, IntStream.of(7, 2, 4, 1).iterator(),
                CorruptChunks.STOP, why -> {})) {
            assertEquals("7", reading.next().orElseThrow().id());
            assertEquals("2", reading.next().orElseThrow().id());
            assertSame(damaged, assertThrows(IllegalStateException.class, reading::next));
        }
        OutOfMemoryError error = new OutOfMemoryError();
        try (ReadAhead reading = new ReadAhead(new Failing(error, 4), Part.TRAIN, IntStream.of(4).iterator(), CorruptChunks.STOP,
                why -> {})) {
            assertSame(error, assertThrows(IllegalStateException.class, reading::next).getCause());
        }
    }

    /** In the order of use, and no more of them before it than the bound of bytes allows: two. */
    @Test
    void readsNoFurtherThanItsBound() throws Exception {
        Failing source = new Failing(null, -1);
        try (ReadAhead reading = new ReadAhead(source, Part.TRAIN, IntStream.range(0, 10).iterator(), CorruptChunks.STOP,
                why -> {})) {
            for (int i = 0; i < 10; i++) {
                assertEquals("" + i, reading.next().orElseThrow().id());
                assertTrue(source.asked.get() <= i + 3, source.asked.get() + " read when " + i + " is used");
            }
        }
    }
}
