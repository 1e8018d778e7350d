package dev.aerie.evaluate;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;

import dev.aerie.torch.Tensor;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.random.RandomGenerator;

/** A draft that has the continuation and proposes each token correctly with a probability; checks its inputs. */
final class ScriptedDraft implements ChainDraft {

    private final long[] prompt;
    private final long[] text;
    private final int wrong;
    private final double skill;
    private final RandomGenerator random;

    /** @param wrong proposed where it errs */
    ScriptedDraft(long[] prompt, long[] text, double skill, int wrong, RandomGenerator random) {
        this.prompt = prompt;
        this.text = text;
        this.skill = skill;
        this.wrong = wrong;
        this.random = random;
    }

    @Override
    public Text begin(int capacity) {
        List<Long> seen = new ArrayList<>();
        return new Text() {
            @Override
            public void extend(Tensor aux, long[] following) {
                assertEquals(aux.size(0), following.length);
                Arrays.stream(following).forEach(seen::add);
                // Row t reads the token after t, so the draft never sees the first one.
                long[] whole = Arrays.copyOf(prompt, prompt.length + text.length);
                System.arraycopy(text, 0, whole, prompt.length, text.length);
                int known = Math.min(seen.size(), whole.length - 1);
                assertArrayEquals(Arrays.copyOfRange(whole, 1, known + 1),
                        seen.stream().limit(known).mapToLong(Long::longValue).toArray());
            }

            @Override
            public long[] propose(int count) {
                long[] out = new long[count];
                int at = seen.size() + 1 - prompt.length;
                for (int i = 0; i < count; i++) {
                    boolean right = at + i < text.length && random.nextDouble() < skill;
                    out[i] = right ? text[at + i] : wrong;
                }
                return out;
            }

            @Override
            public void close() {}
        };
    }
}
