package dev.aerie.bench;

import dev.aerie.store.Codec;
import dev.aerie.store.Container;
import dev.aerie.store.Fingerprints;
import dev.aerie.store.HiddenStateStore;
import dev.aerie.store.Part;
import dev.aerie.store.PlannedCounts;
import dev.aerie.store.ShardWriter;
import dev.aerie.store.StateLayout;
import dev.aerie.store.StoreSettings;
import dev.aerie.store.StoreSummary;
import dev.aerie.store.TeacherRows;
import dev.aerie.target.CaptureLayers;
import dev.aerie.target.HiddenStates;
import dev.aerie.target.Target;
import dev.aerie.text.Conversation;
import dev.aerie.text.ConversationEncoder;
import dev.aerie.text.ConversationFormat;
import dev.aerie.text.ConversationReader;
import dev.aerie.text.EncoderSettings;
import dev.aerie.text.InputRecord;
import dev.aerie.text.OverLength;
import dev.aerie.text.TokenSequence;
import dev.aerie.text.UnusableConversationException;
import dev.aerie.torch.DType;
import dev.aerie.torch.Device;
import dev.aerie.torch.LibTorch;
import dev.aerie.torch.Scope;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;
import java.util.stream.Stream;
import org.apache.hadoop.conf.Configuration;

/**
 * How fast prepare's forward is, and how small its store.
 *
 * <p>Speed: tokens a second of the target over real conversations, packed into waves, against the same engine fed batches of
 * eight in the order of the files, padded to the longest of each; by turns in one process, the median of the rounds. Tokens
 * are counted without padding. Size: bytes per token of the codec {@code bf16} with the teacher's rows only, against 8 ·
 * hidden.
 */
public final class PrepareSpeed {

    private static final int MAX_LENGTH = 512;
    private static final int WAVE_TOKENS = 4096;
    private static final int BATCH = 8;
    private static final double SPEED_GOAL = 1.7;
    private static final double SIZE_GOAL = 0.66;

    private PrepareSpeed() {}

    /** @param arguments folder of the target, conversations to use at most, rounds, then ShareGPT or UltraChat files */
    public static void main(String[] arguments) throws IOException {
        Path folder = Path.of(arguments[0]);
        int limit = Integer.parseInt(arguments[1]);
        int rounds = Integer.parseInt(arguments[2]);
        List<TokenSequence> conversations = read(folder, limit, Arrays.asList(arguments).subList(3, arguments.length));
        long tokens = conversations.stream().mapToLong(TokenSequence::length).sum();
        try (Target target = Target.load(folder, DType.F32, Device.CPU)) {
            System.out.printf(Locale.ROOT, "%,d conversations, %,d tokens, %d threads%n", conversations.size(), tokens,
                    LibTorch.threads());
            boolean fast = speed(target, conversations, tokens, rounds);
            boolean small = size(target, conversations, tokens);
            System.exit(fast && small ? 0 : 1);
        }
    }

    private static boolean speed(Target target, List<TokenSequence> conversations, long tokens, int rounds) {
        List<List<TokenSequence>> waves = waves(conversations);
        List<List<TokenSequence>> batches = batches(conversations);
        double[] packed = new double[rounds];
        double[] padded = new double[rounds];
        forward(target, waves.subList(0, 1), false);
        for (int i = 0; i < rounds; i++) {
            padded[i] = tokens / forward(target, batches, true);
            packed[i] = tokens / forward(target, waves, false);
            System.out.printf(Locale.ROOT, "round %d: packed %,.0f tokens/s, padded %,.0f tokens/s%n",
                    i + 1, packed[i], padded[i]);
        }
        double ratio = median(packed) / median(padded);
        System.out.printf(Locale.ROOT, "packed %,.0f tokens/s, padded batches of %d %,.0f tokens/s: %.2f times (goal %.1f)%n",
                median(packed), BATCH, median(padded), ratio, SPEED_GOAL);
        return ratio >= SPEED_GOAL;
    }

    /** Seconds that all groups take, every sequence of a group as long as its longest if {@code pad}. */
    private static double forward(Target target, List<List<TokenSequence>> groups, boolean pad) {
        long start = System.nanoTime();
        for (List<TokenSequence> group : groups) {
            try (Scope scope = Scope.open()) {
                states(target, group, pad);
            }
        }
        return (System.nanoTime() - start) / 1e9;
    }

    private static HiddenStates states(Target target, List<TokenSequence> group, boolean pad) {
        int longest = group.stream().mapToInt(TokenSequence::length).max().orElseThrow();
        long[] cuSeqlens = new long[group.size() + 1];
        for (int i = 0; i < group.size(); i++) {
            cuSeqlens[i + 1] = cuSeqlens[i] + (pad ? longest : group.get(i).length());
        }
        long[] ids = new long[(int) cuSeqlens[group.size()]];
        for (int i = 0; i < group.size(); i++) {
            int[] own = group.get(i).inputIds();
            for (int j = 0; j < own.length; j++) {
                ids[(int) cuSeqlens[i] + j] = own[j];
            }
        }
        return target.hiddenStates(ids, cuSeqlens, CaptureLayers.defaults(target.config().layers()));
    }

    private static boolean size(Target target, List<TokenSequence> conversations, long tokens) throws IOException {
        Path folder = Files.createTempDirectory("aerie-bench");
        int hidden = target.config().hiddenSize();
        String none = "0".repeat(64);
        StoreSettings settings = StoreSettings.of(new Fingerprints(none, none, none, none, none),
                new StateLayout(hidden, Arrays.stream(CaptureLayers.defaults(target.config().layers())).boxed().toList(),
                        TeacherRows.STRICT, Codec.of("bf16"), Container.PARQUET),
                new PlannedCounts(1, conversations.size(), 0, tokens));
        try {
            HiddenStateStore store = HiddenStateStore.create(folder.resolve("store").toString(), new Configuration(), settings);
            long writing = 0;
            int number = 0;
            try (ShardWriter writer = store.writer(0)) {
                for (List<TokenSequence> wave : waves(conversations)) {
                    try (Scope scope = Scope.open()) {
                        HiddenStates states = states(target, wave, false);
                        long start = System.nanoTime();
                        long row = 0;
                        for (TokenSequence c : wave) {
                            writer.write("c" + number++, Part.TRAIN, c, states.aux().narrow(0, row, c.length()),
                                    states.last().narrow(0, row, c.length()));
                            row += c.length();
                        }
                        writing += System.nanoTime() - start;
                    }
                }
                writer.commit();
            }
            HiddenStateStore whole = store.complete();
            double share = whole.shards().get(0).bytes() / (8.0 * hidden * tokens);
            System.out.print(StoreSummary.of(whole));
            System.out.printf(Locale.ROOT, "encoding and writing: %,.0f tokens/s; size %.3f of 8 × hidden (goal %.2f)%n",
                    tokens / (writing / 1e9), share, SIZE_GOAL);
            return share <= SIZE_GOAL;
        } finally {
            try (Stream<Path> files = Files.walk(folder)) {
                files.sorted(Comparator.reverseOrder()).forEach(f -> f.toFile().delete());
            }
        }
    }

    private static List<List<TokenSequence>> waves(List<TokenSequence> conversations) {
        List<List<TokenSequence>> out = new ArrayList<>();
        List<TokenSequence> wave = new ArrayList<>();
        int size = 0;
        for (TokenSequence c : conversations) {
            if (!wave.isEmpty() && size + c.length() > WAVE_TOKENS) {
                out.add(wave);
                wave = new ArrayList<>();
                size = 0;
            }
            wave.add(c);
            size += c.length();
        }
        out.add(wave);
        return out;
    }

    private static List<List<TokenSequence>> batches(List<TokenSequence> conversations) {
        List<List<TokenSequence>> out = new ArrayList<>();
        for (int i = 0; i < conversations.size(); i += BATCH) {
            out.add(conversations.subList(i, Math.min(i + BATCH, conversations.size())));
        }
        return out;
    }

    private static List<TokenSequence> read(Path folder, int limit, List<String> files) throws IOException {
        List<TokenSequence> out = new ArrayList<>();
        try (ConversationEncoder encoder =
                new ConversationEncoder(EncoderSettings.of(folder.toString(), MAX_LENGTH, OverLength.TRUNCATE))) {
            for (String file : files) {
                ConversationFormat format =
                        file.contains("ultrachat") ? ConversationFormat.ULTRACHAT : ConversationFormat.SHAREGPT;
                try (ConversationReader reader = ConversationReader.open(Files.newInputStream(Path.of(file)), file, format)) {
                    while (reader.hasNext() && out.size() < limit) {
                        InputRecord next = reader.next();
                        if (next instanceof Conversation conversation) {
                            encode(encoder, conversation, out);
                        }
                    }
                }
            }
        } catch (UncheckedIOException e) {
            throw e.getCause();
        }
        return out;
    }

    /** Prepare sets such conversations aside; here they only must not count. */
    private static void encode(ConversationEncoder encoder, Conversation conversation, List<TokenSequence> out) {
        try {
            out.add(encoder.encode(conversation));
        } catch (UnusableConversationException e) {
            System.err.println(conversation.id() + " is left out: " + e.getMessage());
        }
    }

    private static double median(double[] values) {
        double[] sorted = values.clone();
        Arrays.sort(sorted);
        return sorted[sorted.length / 2];
    }
}
