package dev.aerie.store;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import dev.aerie.torch.DType;
import dev.aerie.torch.Device;
import dev.aerie.torch.Scope;
import dev.aerie.torch.Tensor;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.Test;

class CodecTest {

    @Test
    void bf16ReturnsEveryOneOfItsValues() {
        ByteBuffer all = ByteBuffer.allocate(2 << 16).order(ByteOrder.nativeOrder());
        for (int i = 0; i < 1 << 16; i++) {
            all.putShort(2 * i, (short) i);
        }
        try (Scope scope = Scope.open()) {
            Tensor states = Tensor.ofBytes(all.array(), DType.BF16, 256, 256);
            Codec codec = Codec.of("bf16");
            byte[][] columns = codec.encode(states);
            assertEquals(List.of("aux_hi", "aux_lo"), codec.columns("aux"));
            assertArrayEquals(codec.columnBytes(1 << 16), Arrays.stream(columns).mapToInt(c -> c.length).toArray());
            assertEquals(0x3f, columns[0][0x3f80]);
            assertEquals((byte) 0x80, columns[1][0x3f80]);
            Tensor back = Tensor.zeros(codec.dtype(), Device.CPU, 256, 256);
            codec.decode(columns, back.memory());
            assertArrayEquals(states.toBytes(), back.toBytes());
        }
    }

    @Test
    void f32ReturnsTheBits() {
        try (Scope scope = Scope.open()) {
            Tensor states = Tensor.of(new float[] {1.1f, -0f, Float.NaN, Float.MIN_VALUE, Float.NEGATIVE_INFINITY, 3e38f}, 2, 3);
            Codec codec = Codec.of("f32");
            Tensor back = Tensor.zeros(DType.F32, Device.CPU, 2, 3);
            codec.decode(codec.encode(states), back.memory());
            assertArrayEquals(states.toBytes(), back.toBytes());
            assertArrayEquals(new int[] {24}, codec.columnBytes(6));
        }
    }

    @Test
    void unknownNamesAreRefused() {
        assertEquals("Invalid codec: zip (expected bf16 or f32)",
                assertThrows(IllegalArgumentException.class, () -> Codec.of("zip")).getMessage());
    }

    @Test
    void teacherRowsFollowFromTheMask() {
        boolean[] mask = {true, false, true, true, true, false, true};
        assertArrayEquals(new int[] {2, 3}, TeacherRows.STRICT.of(mask));
        assertEquals(7, TeacherRows.ALL.count(mask));
        assertEquals(0, TeacherRows.STRICT.count(new boolean[] {true}));
        assertEquals(true, TeacherRows.ALL.covers(TeacherRows.STRICT));
        assertEquals(false, TeacherRows.STRICT.covers(TeacherRows.ALL));
    }
}
