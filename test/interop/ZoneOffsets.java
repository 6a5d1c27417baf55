import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.util.TimeZone;

/**
 * What Java knows of time zones: reads ids, a line each, and writes a line for each: the offsets
 * from UTC that it had, each as `since:offset` in ms. Arguments: the first and the last time that
 * count, the step in which changes are looked for, and how exactly they are found, all in ms.
 */
public class ZoneOffsets {
  public static void main(String[] args) throws Exception {
    long first = Long.parseLong(args[0]);
    long last = Long.parseLong(args[1]);
    long step = Long.parseLong(args[2]);
    long exact = Long.parseLong(args[3]);
    BufferedReader in =
        new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
    for (String id = in.readLine(); id != null; id = in.readLine()) {
      TimeZone zone = TimeZone.getTimeZone(id);
      StringBuilder line = new StringBuilder().append(first).append(':');
      line.append(zone.getOffset(first));
      for (long time = first; time < last; time += step) {
        long low = time;
        long high = time + step;
        int before = zone.getOffset(low);
        if (zone.getOffset(high) == before) continue;
        while (high - low > exact) {
          long middle = (low + high) / 2;
          if (zone.getOffset(middle) == before) low = middle;
          else high = middle;
        }
        line.append(' ').append(high).append(':').append(zone.getOffset(high));
      }
      System.out.println(line);
    }
  }
}
