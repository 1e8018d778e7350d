package dev.aerie.draft;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;

import dev.aerie.torch.DType;
import dev.aerie.torch.Scope;
import java.util.Arrays;
import java.util.Random;
import org.junit.jupiter.api.Test;

class TttReplayTest {

    private static final int DRAFTED = 3;

    /** The same rounds, drafted one after the other. */
    @Test
    void countsTheRoundsThatDecodingWouldMake() {
        DraftConfig config = Drafts.config();
        ReplayCounts total = ReplayCounts.zero(DRAFTED);
        for (int seed = 1; seed <= 6; seed++) {
            Random random = new Random(seed);
            try (Scope scope = Scope.open(); DraftParameters parameters = Drafts.parameters(config, seed)) {
                FrozenTarget target = Drafts.target(config, 4);
                TrainingBatch batch = Drafts.batch(config, random, 30, 17);
                try (DraftDecoder decoder = new DraftDecoder(parameters, target, DType.F32);
                        TttReplay replay = new TttReplay(parameters, target, DRAFTED, DType.F32)) {
                    // The text follows the draft often enough that every depth occurs.
                    for (int s = 0; s < batch.sequences(); s++) {
                        follow(decoder, batch, s, random);
                    }
                    ReplayCounts expected = ReplayCounts.zero(DRAFTED);
                    for (int s = 0; s < batch.sequences(); s++) {
                        expected = expected.plus(decoded(decoder, Drafts.sequence(batch, s)));
                    }
                    ReplayCounts actual = replay.replay(batch);
                    assertEquals(expected.rounds(), actual.rounds(), "seed " + seed);
                    assertEquals(expected.emitted(), actual.emitted(), "seed " + seed);
                    assertArrayEquals(expected.hits(), actual.hits(), "seed " + seed);
                    total = total.plus(actual);
                }
            }
        }
        assertEquals(0, Arrays.stream(total.hits()).filter(h -> h == 0).count(), Arrays.toString(total.hits()));
        assertEquals((double) total.emitted() / total.rounds(), total.acceptanceLength());
    }

    /** Rewrites some supervised tokens to what the draft says, so that it is sometimes right. */
    private static void follow(DraftDecoder decoder, TrainingBatch batch, int s, Random random) {
        for (int t = batch.start(s) + 2; t < batch.end(s); t++) {
            if (random.nextInt(4) > 0) {
                batch.inputIds()[t] = (int) propose(decoder, batch, batch.start(s), t - 1, 1)[0];
            }
        }
    }

    private static long[] propose(DraftDecoder decoder, TrainingBatch batch, int start, int newest, int count) {
        try (DraftDecoder.Text text = decoder.begin(newest - start + count)) {
            text.extend(batch.aux().narrow(0, start, newest - start), 
                    Arrays.stream(batch.inputIds(), start + 1, newest + 1).asLongStream().toArray());
            return text.propose(count);
        }
    }

    private static ReplayCounts decoded(DraftDecoder decoder, TrainingBatch one) {
        ReplayCounts counts = ReplayCounts.zero(DRAFTED);
        for (int first = 1; first < one.tokens(); first++) {
            if (!one.lossMask()[first]) {
                continue;
            }
            int last = first;
            while (last + 1 < one.tokens() && one.lossMask()[last + 1]) {
                last++;
            }
            int newest = first;
            while (newest < last) {
                long[] drafted = propose(decoder, one, 0, newest, DRAFTED);
                long[] hits = new long[DRAFTED];
                int accepted = 0;
                while (accepted < DRAFTED && newest + 1 + accepted <= last
                        && drafted[accepted] == one.inputIds()[newest + 1 + accepted]) {
                    hits[accepted++]++;
                }
                int emitted = Math.min(accepted + 1, last - newest);
                counts = counts.plus(new ReplayCounts(1, emitted, hits));
                newest += emitted;
            }
            first = last;
        }
        return counts;
    }
}
