package dev.aerie.target.layer;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.aerie.target.Generator;
import dev.aerie.target.Target;
import dev.aerie.target.TargetGoldenTest;
import dev.aerie.target.TargetVerification;
import dev.aerie.testing.Golden;
import dev.aerie.torch.DType;
import dev.aerie.torch.Device;
import dev.aerie.torch.Scope;
import dev.aerie.torch.Tensor;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.stream.LongStream;
import org.junit.jupiter.api.Test;

/** Decoding with a state instead of keys and values; the golden rows of Qwen3-Next are in {@link TargetGoldenTest}. */
class LinearAttentionTest {

    private static final int[] NONE = {};

    private static Path golden() {
        return Golden.target("qwen3_next");
    }

    private static long[] ids(int n) {
        return LongStream.range(0, n).map(i -> (i * 37 + 11) % 300).toArray();
    }

    @Test
    void decodedTokensGetTheStatesOfThePackedForwardWhateverWasTakenBack() {
        long[] ids = ids(150);
        try (Target target = Target.load(golden(), DType.F32, Device.CPU); Scope scope = Scope.open();
                KvCache cache = target.newCache(200)) {
            float[] expected = target.hiddenStates(ids, new long[] {0, ids.length}, NONE).last().toFloats();
            int hidden = target.config().hiddenSize();
            int at = 0;
            // A prompt longer than what can be taken back, single tokens, drafts.
            for (int block : new int[] {100, 1, 1, 3, 2, 40, 3}) {
                // All of a block is taken back, then part of another, as drafted tokens that are not accepted.
                target.decode(new long[] {7, 8}, cache, NONE);
                cache.truncate(at);
                long[] drafted = Arrays.copyOfRange(ids, at, at + block + 4);
                Arrays.fill(drafted, block, block + 4, 5);
                Tensor last = target.decode(drafted, cache, NONE).last().narrow(0, 0, block);
                at += block;
                cache.truncate(at);
                assertArrayEquals(Arrays.copyOfRange(expected, (at - block) * hidden, at * hidden), last.toFloats(), 2e-5f);
            }
            assertEquals(ids.length, at);
        }
    }

    @Test
    void furtherBackThanTheLatestBlockIsRefused() {
        try (Target target = Target.load(golden(), DType.F32, Device.CPU); Scope scope = Scope.open();
                KvCache cache = target.newCache(200)) {
            target.decode(ids(100), cache, NONE);
            target.decode(ids(3), cache, NONE);
            assertEquals("Invalid length: 99 (expected 0, or 100 to 103: linear attention cannot go back further than the latest "
                            + "64 tokens of the latest block)",
                    assertThrows(IllegalArgumentException.class, () -> cache.truncate(99)).getMessage());
            cache.truncate(0);
            Tensor again = target.decode(ids(80), cache, NONE).last();
            Tensor packed = target.hiddenStates(ids(80), new long[] {0, 80}, NONE).last();
            assertArrayEquals(packed.toFloats(), again.toFloats(), 2e-5f);
            assertEquals("Invalid length: 15 (expected 0, or 16 to 80: linear attention cannot go back further than the latest "
                            + "64 tokens of the latest block)",
                    assertThrows(IllegalArgumentException.class, () -> cache.truncate(15)).getMessage());
        }
    }

    @Test
    void aStateOfTheCacheIsFreedWithIt() {
        try (Target target = Target.load(golden(), DType.F32, Device.CPU)) {
            Generator generator = Generator.greedy(target);
            generator.generate(ids(70), 8);
            long before = Scope.liveTensors();
            try (KvCache cache = target.newCache(100)) {
                decode(target, 70, cache);
                decode(target, 2, cache);
                long held = Scope.liveTensors();
                for (int i = 0; i < 5; i++) {
                    decode(target, 2, cache);
                    cache.truncate(cache.length() - 1);
                    assertEquals(held, Scope.liveTensors());
                }
            }
            assertEquals(before, Scope.liveTensors());
        }
    }

    private static void decode(Target target, int tokens, KvCache cache) {
        try (Scope scope = Scope.open()) {
            target.decode(ids(tokens), cache, NONE);
        }
    }

    @Test
    void bfloat16IsNear() {
        try (Target target = Target.load(golden(), DType.BF16, Device.CPU)) {
            TargetVerification errors = TargetVerification.compare(target, golden().resolve("golden.safetensors"));
            // The first layer: 8 %. Of random experts later layers choose others, which say
            // something else.
            assertTrue(errors.rows().get(1).error() < 0.15, errors::toString);
        }
    }
}
