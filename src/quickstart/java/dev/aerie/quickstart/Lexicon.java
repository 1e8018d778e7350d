package dev.aerie.quickstart;

import java.util.Arrays;
import java.util.List;
import java.util.function.Function;

/** The people, places and things of the small world that the conversations are about. */
final class Lexicon {

    private Lexicon() {}

    record Person(String name, String she, String her, String hers) {

        static Person of(String name, boolean woman) {
            return woman ? new Person(name, "she", "her", "her") : new Person(name, "he", "him", "his");
        }
    }

    /** A thing that can be bought, carried and described. */
    record Thing(String name, String plural, String kind, String looks, String matter, String use, int price, int weight) {}

    record Animal(String name, String looks, String home, String food, String sound, String deed) {}

    record Place(String name, String looks, String heard, String done) {}

    record Job(String name, String works, String needs) {}

    static final List<Person> PEOPLE = people();

    private static List<Person> people() {
        String women = "Anna Cora Dina Greta Mira Nora Rosa Vera";
        String men = "Adam Carl Emil Hugo Leo Max Paul Victor";
        return java.util.stream.Stream.concat(
                Arrays.stream(women.split(" ")).map(n -> Person.of(n, true)),
                Arrays.stream(men.split(" ")).map(n -> Person.of(n, false))).toList();
    }

    static final List<Thing> THINGS = table("""
            hammer|hammers|tool|heavy and plain|wood and steel|drive nails into boards|9|4
            saw|saws|tool|long and sharp|steel|cut wood|8|3
            ladder|ladders|tool|tall and narrow|wood|reach high places|30|9
            spade|spades|tool|broad and strong|iron and wood|dig in the garden|14|5
            lamp|lamps|thing for the house|round and warm|glass and brass|light a room|18|3
            chair|chairs|piece of furniture|simple and strong|oak|sit at the table|25|6
            table|tables|piece of furniture|wide and flat|oak|eat and work on|60|20
            mirror|mirrors|thing for the house|smooth and clear|glass|see your own face|16|4
            candle|candles|thing for the house|white and thin|wax|light a dark room|2|1
            blanket|blankets|thing for the house|thick and soft|wool|keep warm at night|20|2
            basket|baskets|thing for the house|light and deep|willow|carry fruit home|7|1
            kettle|kettles|thing for the kitchen|small and shiny|copper|boil water|15|2
            pot|pots|thing for the kitchen|deep and black|iron|cook soup|12|4
            knife|knives|thing for the kitchen|short and sharp|steel|cut bread|6|1
            cup|cups|thing for the kitchen|small and white|clay|drink tea|3|1
            coat|coats|piece of clothing|long and warm|wool|stay warm in winter|45|3
            hat|hats|piece of clothing|wide and light|straw|keep the sun away|11|1
            scarf|scarves|piece of clothing|long and red|wool|warm your neck|10|1
            boot|boots|piece of clothing|high and brown|leather|walk through mud|28|2
            umbrella|umbrellas|thing for a walk|wide and black|cloth and steel|stay dry in the rain|12|1
            rope|ropes|thing for a boat|long and rough|hemp|tie a boat to the shore|9|3
            map|maps|thing for a walk|flat and thin|paper|find the way|4|1
            book|books|thing for school|thick and old|paper|learn about the world|9|1
            pencil|pencils|thing for school|short and yellow|wood|write a list|2|1
            drum|drums|instrument|round and loud|wood and skin|keep the beat|32|5
            flute|flutes|instrument|thin and bright|wood|play a quiet song|40|1
            violin|violins|instrument|light and brown|maple|play at a wedding|80|1
            ball|balls|toy|round and red|rubber|play in the yard|4|1
            kite|kites|toy|light and bright|paper and string|play in the wind|6|1
            puzzle|puzzles|toy|flat and colourful|thick paper|pass a rainy day|7|1
            """, f -> new Thing(f[0], f[1], f[2], f[3], f[4], f[5], Integer.parseInt(f[6]), Integer.parseInt(f[7])));

    static final List<Thing> FOODS = table("""
            apple|apples|fruit|round and red|an orchard|make a pie|2|1
            pear|pears|fruit|soft and green|an orchard|make jam|2|1
            cherry|cherries|fruit|small and red|an orchard|bake a cake|3|1
            lemon|lemons|fruit|yellow and sour|a warm garden|make a cold drink|2|1
            carrot|carrots|vegetable|long and orange|a garden|cook soup|2|1
            onion|onions|vegetable|round and sharp|a garden|cook soup|2|1
            potato|potatoes|vegetable|brown and plain|a field|bake in the oven|2|1
            bean|beans|vegetable|thin and green|a garden|cook a stew|2|1
            egg|eggs|food|white and smooth|a farm|bake a cake|2|1
            cheese|cheeses|food|yellow and strong|a dairy|eat with bread|7|2
            fish|fish|food|silver and fresh|the harbour|fry in a pan|5|1
            cake|cakes|food|sweet and soft|a bakery|share with guests|12|2
            """, f -> new Thing(f[0], f[1], f[2], f[3], f[4], f[5], Integer.parseInt(f[6]), Integer.parseInt(f[7])));

    static final List<Animal> ANIMALS = table("""
            frog|small and green|pond|flies|croaks|jumps into the water
            owl|brown and silent|old tree|mice|hoots|hunts at night
            fox|red and clever|den under the hill|rabbits|barks|hides from dogs
            bear|large and slow|cave|berries and fish|growls|sleeps all winter
            horse|tall and fast|stable|hay|neighs|pulls the cart
            cow|big and calm|barn|grass|moos|gives milk
            goat|stubborn and quick|rocky hill|leaves|bleats|climbs steep rocks
            hen|busy and brown|yard|seeds|clucks|lays eggs
            duck|plain and cheerful|river|water plants|quacks|swims in a row
            cat|soft and lazy|warm kitchen|fish|purrs|catches mice
            dog|loyal and strong|house|meat|barks|follows its owner
            mouse|tiny and grey|hole in the wall|crumbs|squeaks|runs from the cat
            bee|small and striped|hive|nectar|hums|makes honey
            crab|hard and red|rocky shore|shells and weed|clicks|walks sideways
            wolf|grey and wild|dark forest|deer|howls|runs in a pack
            donkey|grey and patient|stable|hay|brays|carries sacks
            """, f -> new Animal(f[0], f[1], f[2], f[3], f[4], f[5]));

    static final List<Place> PLACES = table("""
            market|busy and bright|sellers calling their prices|buy fruit and cloth
            harbour|wide and windy|gulls and ropes|watch the ships come in
            library|quiet and cool|pages turning|read old books
            station|large and grey|trains and whistles|wait for the train
            bakery|small and warm|the oven door|buy fresh bread
            mill|old and white|the wheel turning|grind the corn
            school|square and red|children singing|learn to read
            garden|green and calm|bees in the flowers|grow beans and roses
            forest|deep and dark|wind in the leaves|gather wood
            castle|tall and ruined|doves under the roof|look over the valley
            beach|long and sandy|waves on the stones|swim and collect shells
            lake|clear and cold|ducks and oars|row a boat
            mountain|steep and white|nothing but wind|climb to the top
            island|lonely and green|the sea all around|fish from the rocks
            """, f -> new Place(f[0], f[1], f[2], f[3]));

    static final List<Job> JOBS = table("""
            baker|bakes bread before sunrise|flour and a hot oven
            farmer|works in the fields|good weather and strong boots
            teacher|teaches children to read|books and patience
            doctor|helps people who are ill|medicine and a calm voice
            sailor|sails across the sea|ropes and a steady wind
            painter|paints pictures of the coast|brushes and bright colours
            tailor|sews coats and shirts|needles and thread
            gardener|grows roses and beans|rain and a good spade
            fisher|catches fish at dawn|nets and a small boat
            driver|drives the night bus|a clear road and strong tea
            potter|makes bowls from clay|wet clay and a wheel
            smith|makes knives and nails|iron and a hot fire
            """, f -> new Job(f[0], f[1], f[2]));

    static final List<String> COLOURS = List.of("red", "blue", "green", "yellow", "white", "black", "brown", "golden");

    static final List<String> DAYS =
            List.of("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday");

    static final List<String> SEASONS = List.of("spring", "summer", "autumn", "winter");

    static final List<String> ROOMS =
            List.of("kitchen", "attic", "cellar", "hall", "bedroom", "study", "garage", "pantry");

    static <T> List<T> table(String text, Function<String[], T> row) {
        return text.lines().map(line -> row.apply(line.strip().split("\\|"))).toList();
    }
}
