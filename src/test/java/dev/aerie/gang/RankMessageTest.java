package dev.aerie.gang;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertThrows;

import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.io.IOException;
import org.junit.jupiter.api.Test;

class RankMessageTest {

    private static byte[] written(RankMessage... messages) throws IOException {
        ByteArrayOutputStream bytes = new ByteArrayOutputStream();
        try (DataOutputStream out = new DataOutputStream(bytes)) {
            for (RankMessage message : messages) {
                RankMessage.write(message, out);
            }
        }
        return bytes.toByteArray();
    }

    private static DataInputStream in(byte[] bytes) {
        return new DataInputStream(new ByteArrayInputStream(bytes));
    }

    @Test
    void everyMessageArrivesAsItWasSent() throws IOException {
        // A report that looks like another message, a failure whose words hold what separates others.
        byte[] report = {3, 0, 0, 0};
        DataInputStream in = in(written(new RankMessage.StepBegun(1L << 40), new RankMessage.Report(report),
                new RankMessage.Report(new byte[0]), new RankMessage.Done(),
                new RankMessage.Failed(new RankFailure(RankFailure.Kind.PEER, "LOST {a} \n\u00e9 7", null))));
        assertEquals(new RankMessage.StepBegun(1L << 40), RankMessage.read(in));
        assertArrayEquals(report, assertInstanceOf(RankMessage.Report.class, RankMessage.read(in)).report());
        assertEquals(0, assertInstanceOf(RankMessage.Report.class, RankMessage.read(in)).report().length);
        assertEquals(new RankMessage.Done(), RankMessage.read(in));
        RankFailure failure = assertInstanceOf(RankMessage.Failed.class, RankMessage.read(in)).failure();
        assertEquals(RankFailure.Kind.PEER, failure.kind());
        assertEquals("LOST {a} \n\u00e9 7", failure.getMessage());
        assertEquals(0, in.available());
    }

    @Test
    void everyKindOfFailureArrives() throws IOException {
        for (RankFailure.Kind kind : RankFailure.Kind.values()) {
            DataInputStream in = in(written(new RankMessage.Failed(new RankFailure(kind, "x", null))));
            assertEquals(kind, ((RankMessage.Failed) RankMessage.read(in)).failure().kind());
        }
    }

    @Test
    void whatIsNoMessageIsRefused() throws IOException {
        assertThrows(IOException.class, () -> RankMessage.read(in(new byte[] {9})));
        assertThrows(IOException.class, () -> RankMessage.read(in(new byte[] {3, 77, 0, 0, 0, 0})));
        assertThrows(IOException.class, () -> RankMessage.read(in(new byte[] {2, 0x7f, 0, 0, 0})));
        byte[] whole = written(new RankMessage.Report(new byte[20]));
        for (int length = 0; length < whole.length; length++) {
            byte[] cut = java.util.Arrays.copyOf(whole, length);
            assertThrows(IOException.class, () -> RankMessage.read(in(cut)), "cut to " + length);
        }
    }
}
