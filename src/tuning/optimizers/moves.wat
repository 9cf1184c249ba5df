;; The loops of sgd.ts and adamw.ts, two numbers at once. They are computed in double
;; precision, in the same order, and rounded where an array is written, so that every bit
;; is that of the loops. Arrays begin at multiples of 16 bytes; $end is a multiple of 8.
(module
  (import "assay" "memory" (memory 1))

  (func (export "sgd")
    (param $weight i32) (param $velocity i32) (param $gradient i32) (param $bytes i32)
    (param $momentum f64) (param $decay f64) (param $rate f64)
    (local $i i32)
    (local $m v128) (local $d v128) (local $r v128) (local $w v128) (local $v v128)
    (local.set $m (f64x2.splat (local.get $momentum)))
    (local.set $d (f64x2.splat (local.get $decay)))
    (local.set $r (f64x2.splat (local.get $rate)))
    (loop $next
      (if (i32.ge_u (local.get $i) (local.get $bytes)) (then return))
      (local.set $w
        (f64x2.promote_low_f32x4
          (v128.load64_zero (i32.add (local.get $weight) (local.get $i)))))
      ;; v = momentum v + (g + decay w)
      (local.set $v
        (f64x2.add
          (f64x2.mul (local.get $m)
            (f64x2.promote_low_f32x4
              (v128.load64_zero (i32.add (local.get $velocity) (local.get $i)))))
          (f64x2.add
            (f64x2.promote_low_f32x4
              (v128.load64_zero (i32.add (local.get $gradient) (local.get $i))))
            (f64x2.mul (local.get $d) (local.get $w)))))
      (v128.store64_lane 0 (i32.add (local.get $velocity) (local.get $i))
        (f32x4.demote_f64x2_zero (local.get $v)))
      ;; w = w - rate v
      (v128.store64_lane 0 (i32.add (local.get $weight) (local.get $i))
        (f32x4.demote_f64x2_zero
          (f64x2.sub (local.get $w) (f64x2.mul (local.get $r) (local.get $v)))))
      (local.set $i (i32.add (local.get $i) (i32.const 8)))
      (br $next)))

  (func (export "adamw")
    (param $weight i32) (param $mean i32) (param $square i32) (param $gradient i32)
    (param $bytes i32)
    (param $beta1 f64) (param $beta2 f64) (param $epsilon f64)
    (param $pace f64) (param $scale f64) (param $keep f64)
    (local $i i32) (local $g v128) (local $m v128) (local $s v128)
    (local $b1 v128) (local $o1 v128) (local $b2 v128) (local $o2 v128)
    (local $e v128) (local $p v128) (local $c v128) (local $k v128)
    (local.set $b1 (f64x2.splat (local.get $beta1)))
    (local.set $o1 (f64x2.splat (f64.sub (f64.const 1) (local.get $beta1))))
    (local.set $b2 (f64x2.splat (local.get $beta2)))
    (local.set $o2 (f64x2.splat (f64.sub (f64.const 1) (local.get $beta2))))
    (local.set $e (f64x2.splat (local.get $epsilon)))
    (local.set $p (f64x2.splat (local.get $pace)))
    (local.set $c (f64x2.splat (local.get $scale)))
    (local.set $k (f64x2.splat (local.get $keep)))
    (loop $next
      (if (i32.ge_u (local.get $i) (local.get $bytes)) (then return))
      (local.set $g
        (f64x2.promote_low_f32x4
          (v128.load64_zero (i32.add (local.get $gradient) (local.get $i)))))
      ;; m = beta1 mean + (1 - beta1) g
      (local.set $m
        (f64x2.add
          (f64x2.mul (local.get $b1)
            (f64x2.promote_low_f32x4
              (v128.load64_zero (i32.add (local.get $mean) (local.get $i)))))
          (f64x2.mul (local.get $o1) (local.get $g))))
      ;; s = beta2 square + ((1 - beta2) g) g
      (local.set $s
        (f64x2.add
          (f64x2.mul (local.get $b2)
            (f64x2.promote_low_f32x4
              (v128.load64_zero (i32.add (local.get $square) (local.get $i)))))
          (f64x2.mul (f64x2.mul (local.get $o2) (local.get $g)) (local.get $g))))
      (v128.store64_lane 0 (i32.add (local.get $mean) (local.get $i))
        (f32x4.demote_f64x2_zero (local.get $m)))
      (v128.store64_lane 0 (i32.add (local.get $square) (local.get $i))
        (f32x4.demote_f64x2_zero (local.get $s)))
      ;; w = keep w - pace m / (sqrt(s) scale + epsilon)
      (v128.store64_lane 0 (i32.add (local.get $weight) (local.get $i))
        (f32x4.demote_f64x2_zero
          (f64x2.sub
            (f64x2.mul (local.get $k)
              (f64x2.promote_low_f32x4
                (v128.load64_zero (i32.add (local.get $weight) (local.get $i)))))
            (f64x2.div
              (f64x2.mul (local.get $p) (local.get $m))
              (f64x2.add
                (f64x2.mul (f64x2.sqrt (local.get $s)) (local.get $c))
                (local.get $e))))))
      (local.set $i (i32.add (local.get $i) (i32.const 8)))
      (br $next)))
)
